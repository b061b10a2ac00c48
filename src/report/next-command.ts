/** The one command that helps most with what has just gone wrong. */

import type { ErrorCode } from '../base/errors.ts';
import { type CheckResult, idOnce, type MeshFacts, type ScenarioInfo } from '../base/events.ts';
import { oneLine } from '../base/harmless.ts';
import { shellQuote } from '../base/names.ts';

/** Name and value of a flag that was given; a switch has none. */
export type GivenFlag = readonly [name: string, value?: string];

export interface NextOptions {
  /** What the run was told about where the mesh is, to be said again. Default: the target alone. */
  readonly given?: readonly GivenFlag[] | undefined;
  /** How this program was started, such as `node src/cli/bin.mjs`; default `jwt-e2e`. */
  readonly program?: string | undefined;
  /** The mesh it happened on, when it is known. */
  readonly mesh?: MeshFacts | undefined;
  /** Whether the run has several meshes; the command is for one of them. */
  readonly isOneOfSeveral?: boolean | undefined;
}

/** Faults of what is around the mesh, which doctor looks at. */
const environment: readonly ErrorCode[] = [
  'E_PROGRAM',
  'E_DOCKER',
  'E_CLUSTER',
  'E_ISTIO',
  'E_KUBE',
  'E_EXEC',
  'E_KEY_SERVER',
];
/** Faults of the scenario file. What lint can say of tokens, a run says before it begins; later it is where they come from. */
const inFile: readonly ErrorCode[] = ['E_SCENARIO', 'E_TEMPLATE'];

/**
 * For a check: the same check alone, stopping with everything in place; for a fault of what is around it, what helps
 * with that. While a run has stopped already it is the line that sends the request, which works then.
 *
 * @param requests such lines by the ids of checks, while what the scenario has applied is still there
 */
export function nextForCheck(
  check: CheckResult,
  info: ScenarioInfo,
  options: NextOptions,
  requests?: Readonly<Record<string, string>>,
): string | undefined {
  if (requests !== undefined) return requests[check.id];
  const remedy = check.state === 'error' ? remedyFor(check.code ?? 'E_INTERNAL', info, options) : undefined;
  if (remedy !== undefined) return remedy;
  // Who fetched keys can only be said after all requests of the scenario.
  if (check.kind === 'fetched') return again(info, options);
  const { id } = info;
  const ownId = check.id.startsWith(`${id}/`) ? `${idOnce(info)}${check.id.slice(id.length)}` : check.id;
  return again(info, options, ownId);
}

/** For what is no verdict; undefined when only the hint can help. @param info the scenario it happened in, if any */
export function nextForProblem(
  code: ErrorCode,
  info: ScenarioInfo | undefined,
  options: NextOptions,
): string | undefined {
  return remedyFor(code, info, options) ?? (info === undefined ? undefined : again(info, options));
}

/** Another command than running again: doctor, lint, or a look at what would be done. */
function remedyFor(
  code: ErrorCode,
  info: ScenarioInfo | undefined,
  options: NextOptions,
): string | undefined {
  if (environment.includes(code)) {
    return command(
      options,
      'doctor',
      [],
      where(options).filter(([name]) => doctorTakes.has(name)),
    );
  }
  if (info === undefined) return undefined;
  const files = [info.place.file];
  if (inFile.includes(code)) return command(options, 'lint', files, []);
  if (code === 'E_NOT_OWNED') return command(options, 'run', files, [...where(options), ['dry-run']]);
  return undefined;
}

/** The scenario again, or only what has this text; a file that runs in several fetch modes needs one in any case. */
function again(info: ScenarioInfo, options: NextOptions, text?: string): string {
  const grep = text ?? (info.fetch === undefined ? undefined : idOnce(info));
  const only: GivenFlag[] = grep === undefined ? [] : [['grep', grep]];
  // What came out differently from time to time need not fail at the next try.
  const often: GivenFlag[] = info.repeat === undefined ? [] : [['repeat', '10']];
  return command(
    options,
    'run',
    [info.place.file],
    [...where(options), ...only, ...often, ['pause-on-failure']],
  );
}

/** Flags that `jwt-e2e doctor` has too. */
const doctorTakes = new Set([
  ...[
    'target',
    'istio',
    'istio-tag',
    'hub',
    'node-image',
    'image',
    'programs',
    'envoy',
    'downloads',
    'no-download',
    'no-build',
  ],
  ...['config', 'docker', 'kind', 'istioctl', 'context', 'kubeconfig', 'mesh-context', 'mesh-kubeconfig'],
]);

function where({ given, mesh, isOneOfSeveral }: NextOptions): GivenFlag[] {
  const flags: GivenFlag[] = (given ?? []).filter(
    ([name]) => !isOneOfSeveral || !['istio', 'envoy'].includes(name),
  );
  if (mesh === undefined) return flags;
  const own: GivenFlag[] = [];
  if (!flags.some(([name]) => name === 'target')) own.push(['target', mesh.target]);
  if (isOneOfSeveral) {
    own.push(['istio', mesh.istio]);
    if (mesh.envoy !== undefined) own.push(['envoy', mesh.envoy]);
  }
  return [...own, ...flags];
}

function command(
  { program = 'jwt-e2e' }: NextOptions,
  name: string,
  files: readonly string[],
  flags: readonly GivenFlag[],
): string {
  const words = flags.flatMap(([flag, value]) =>
    value === undefined ? [`--${flag}`] : [`--${flag}`, value],
  );
  return [program, ...[name, ...files, ...words].map((word) => shellQuote(oneLine(word)))].join(' ');
}
