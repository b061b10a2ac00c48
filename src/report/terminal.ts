/** How to write to a stream: with colours or without, on one moving line or as a log. */
import type picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

export interface Terminal {
  /** Whether lines may be overwritten. */
  readonly isTTY: boolean;
  /** Columns; lines are cut to it only on a TTY. */
  readonly width: number;
  readonly color: boolean;
}

/** CI systems whose logs show colours; elsewhere the escape sequences would stand in the log. */
const colourfulLogs = ['GITHUB_ACTIONS', 'GITLAB_CI', 'CIRCLECI', 'BUILDKITE', 'TRAVIS', 'APPVEYOR', 'DRONE'];

/**
 * Reads the conventions of no-color.org and force-color.org, and CI. A CI system may give a pseudo-terminal, but its
 * log keeps every frame of a spinner, so it counts as none.
 *
 * @param color the --color or --no-color flag, which outweighs the environment
 */
export function describeTerminal(
  stream: { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined },
  env: Readonly<Record<string, string | undefined>>,
  color?: boolean,
): Terminal {
  const set = (name: string): boolean =>
    (env[name] ?? '') !== '' && env[name] !== '0' && env[name] !== 'false';
  const isTTY = stream.isTTY === true && env.TERM !== 'dumb' && !set('CI');
  return {
    isTTY,
    width: stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80,
    color: color ?? colourWanted(),
  };

  function colourWanted(): boolean {
    // By its convention NO_COLOR counts with any value but the empty one, even with 0.
    if ((env.NO_COLOR ?? '') !== '') return false;
    if ((env.FORCE_COLOR ?? '') !== '') return set('FORCE_COLOR');
    return isTTY || (set('CI') && colourfulLogs.some(set));
  }
}
