/** How to write to a stream: with colours or without, below a live table or as a log, for people or for GitHub. */
import { own } from '../../base/harmless.ts';
import type { GitHubOptions } from '../markdown/github.ts';

/** SGR of ECMA-48: what begins and what ends each. Bold and dim end with the same. */
const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Colors = Readonly<Record<keyof typeof styles, (text: string) => string>>;

/** Paints text for a {@link HarmlessOutput}, or leaves it as it is. */
export function colorsOf(color: boolean): Colors {
  const painters = Object.entries(styles).map(([name, codes]) => {
    const [begin, end] = codes.map((code) => own(`\u001b[${code}m`));
    return [name, (text: string) => (color ? `${begin}${text}${end}` : text)];
  });
  return Object.fromEntries(painters) as Colors;
}

/** Columns and rows. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Terminal {
  /** Whether lines may be overwritten. */
  readonly isTTY: boolean;
  /** Columns; lines are cut to it only on a TTY. */
  readonly width: number;
  readonly color: boolean;
  /** The size at this moment, on a TTY: people pull at windows. */
  readonly size?: (() => Size) | undefined;
  /** Set on GitHub Actions, whose log understands commands. */
  readonly github?: GitHubOptions | undefined;
}

/** CI systems whose logs show colours; elsewhere the escape sequences would stand in the log. */
const colourfulLogs = ['GITHUB_ACTIONS', 'GITLAB_CI', 'CIRCLECI', 'BUILDKITE', 'TRAVIS', 'APPVEYOR', 'DRONE'];

const usual: Size = { columns: 80, rows: 24 };

/**
 * Reads the conventions of no-color.org and force-color.org, and CI. A CI system may give a pseudo-terminal, but its
 * log keeps every frame of a table, so it counts as none.
 *
 * @param color the --color or --no-color flag, which outweighs the environment
 */
export function describeTerminal(
  stream: {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
    readonly rows?: number | undefined;
  },
  env: Readonly<Record<string, string | undefined>>,
  color?: boolean,
): Terminal {
  const set = (name: string): boolean =>
    (env[name] ?? '') !== '' && env[name] !== '0' && env[name] !== 'false';
  const isTTY = stream.isTTY === true && env.TERM !== 'dumb' && !set('CI');
  const size = () => ({
    columns: positive(stream.columns) ?? usual.columns,
    rows: positive(stream.rows) ?? usual.rows,
  });
  return {
    isTTY,
    width: size().columns,
    color: color ?? colourWanted(),
    ...(isTTY ? { size } : {}),
    // Whoever has a terminal is not read by the runner, whatever the variables say.
    ...(set('GITHUB_ACTIONS') && !isTTY ? { github: { workspace: env.GITHUB_WORKSPACE || undefined } } : {}),
  };

  function colourWanted(): boolean {
    // By its convention NO_COLOR counts with any value but the empty one, even with 0.
    if ((env.NO_COLOR ?? '') !== '') return false;
    if ((env.FORCE_COLOR ?? '') !== '') return set('FORCE_COLOR');
    return isTTY || (set('CI') && colourfulLogs.some(set));
  }
}

function positive(count: number | undefined): number | undefined {
  return count !== undefined && count > 0 ? count : undefined;
}
