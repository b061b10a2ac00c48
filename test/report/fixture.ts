/** Event streams as real runs give them: one that passes, one with every kind of trouble, and runs that broke off. */
import type { Place } from '../../src/base/errors.ts';
import type {
  CheckResult,
  Counts,
  Event,
  FetchMode,
  MeshFacts,
  Problem,
  ScenarioInfo,
  Unstamped,
} from '../../src/base/events.ts';

const startedAt = Date.UTC(2026, 2, 14, 9, 30, 0);

export const kind: MeshFacts = {
  id: 'kind-1.30.3',
  target: 'kind',
  reason: 'a Docker engine answers',
  istio: '1.30.3',
  envoy: '1.38.1',
  kubernetes: '1.36.1',
  fetch: 'istiod',
  details: { cluster: 'jwt-e2e-7f3a', hub: 'docker.io/istio' },
};

const faq = 'FAQ about JWT authentication';

function scenario(name: string, title: string, section: string, fetch?: FetchMode): ScenarioInfo {
  return {
    id: fetch === undefined ? name : `${name}@${fetch}`,
    name,
    title,
    mesh: kind.id,
    profile: 'documented',
    fetch,
    source: { document: faq, section },
    tags: fetch === undefined ? ['sidecar'] : ['sidecar', 'jwks-uri'],
    place: { file: `scenarios/documented/${name}.yaml`, line: 2, column: 1 },
  };
}

export const requireJwt = scenario(
  'require-jwt',
  'RequestAuthentication together with an AuthorizationPolicy requires a token',
  'How JWT authentication works in ASM',
);
export const external = (['istiod', 'envoy'] as const).map((mode) =>
  scenario('jwks-external-http', 'Keys come from a server outside the mesh', 'Who fetches jwksUri?', mode),
);
export const exclusion = scenario(
  'bookinfo-exclusion',
  'One path of Bookinfo needs no token, all others do',
  'How do I skip JWT authentication for specific paths?',
);

type Part = Pick<CheckResult, 'step' | 'row' | 'column' | 'expected'> & Partial<CheckResult>;

/** A check of a scenario that passed, unless `part` says otherwise. */
export function check(info: ScenarioInfo, part: Part): CheckResult {
  const { step, row, column } = part;
  return {
    id: `${info.name}/${step}/${row}/${column}`,
    kind: 'request',
    scenario: info.id,
    source: info.source,
    place: { file: info.place.file, line: 21, column: 18 },
    state: 'passed',
    actual: part.expected,
    convergence: { attempts: 3, firstRightMs: 212, stale: 0 },
    durationMs: 380,
    ...part,
  };
}

/** Gives the events their times; `run-finished` gets the time that passed and the counts. */
export function stream(events: readonly Unstamped[], stepMs = 400): Event[] {
  return events.map((event, index) => ({ ...event, at: startedAt + index * stepMs }) as Event);
}

/** A whole scenario with these checks. */
export function scenarioEvents(
  info: ScenarioInfo,
  checks: readonly CheckResult[],
  more: { readonly problem?: Problem; readonly warnings?: readonly string[] } = {},
): Unstamped[] {
  const steps = [...new Set(checks.map(({ step }) => step))];
  return [
    { type: 'scenario-started', scenario: info },
    ...steps.flatMap((step): Unstamped[] => [
      { type: 'step-started', mesh: info.mesh, scenario: info.id, step },
      {
        type: 'step-applied',
        mesh: info.mesh,
        scenario: info.id,
        step,
        objects: ['RequestAuthentication foo/jwt-example', 'AuthorizationPolicy foo/require-jwt'],
        warnings: more.warnings ?? [],
      },
      {
        type: 'step-held',
        mesh: info.mesh,
        scenario: info.id,
        step,
        durationMs: 412,
        proof: 'provider testing@secure.istio.io in the listener of httpbin-6f4d.foo',
      },
      ...checks
        .filter((result) => result.step === step)
        .map((result): Unstamped => ({ type: 'check-finished', mesh: info.mesh, check: result })),
    ]),
    {
      type: 'scenario-finished',
      scenario: info.id,
      mesh: info.mesh,
      durationMs: 3200,
      problem: more.problem,
    },
  ];
}

export const opening: readonly Unstamped[] = [
  { type: 'run-started', runId: '20260314-093000-7f3a', version: '0.1.0' },
  { type: 'phase-started', phase: 'create kind cluster jwt-e2e-7f3a' },
  { type: 'phase-finished', phase: 'create kind cluster jwt-e2e-7f3a', durationMs: 34_210 },
  { type: 'phase-started', phase: 'install Istio 1.30.3' },
  { type: 'phase-finished', phase: 'install Istio 1.30.3', durationMs: 41_870, note: 'profile default' },
  { type: 'mesh-ready', mesh: kind },
];

export function planned(...plan: readonly (readonly [ScenarioInfo, number])[]): Unstamped {
  return {
    type: 'planned',
    mesh: kind.id,
    scenarios: plan.map(([info, checks]) => ({ info, checks })),
  };
}

export function closing(
  exitCode: number,
  counts: Partial<Counts>,
  more: { readonly interrupted?: boolean; readonly problem?: Problem } = {},
): Unstamped {
  return {
    type: 'run-finished',
    durationMs: 187_400,
    counts: { passed: 0, failed: 0, error: 0, skipped: 0, ...counts },
    exitCode,
    ...more,
  };
}

/** Stands for reading the scenario files: the lines of one of them that the runs point to. */
export function readLine(place: Place): string | undefined {
  if (place.file !== requireJwt.place.file) return undefined;
  const lines: Record<number, string> = {
    48: '      no token: [{ code: 403, body: "RBAC: access denied" }]',
    51: '      expired: [401]',
  };
  return lines[place.line];
}
