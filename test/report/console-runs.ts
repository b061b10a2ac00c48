/** Runs for what only the console, GitHub and the Markdown summary tell. */
import type { CheckResult, Event, MeshFacts, ScenarioInfo, Unstamped } from '../../src/base/events.ts';
import {
  check,
  closing,
  exclusion,
  kind,
  opening,
  planned,
  requireJwt,
  scenarioEvents,
  stream,
} from './fixture.ts';

const step = 'a token is required';

/** Failures that the baseline expects, in a scenario that is otherwise well. */
export const known: Event[] = stream([
  ...opening,
  planned([requireJwt, 3]),
  ...scenarioEvents(requireJwt, [
    check(requireJwt, { step, row: 'valid', column: '/headers', expected: '200' }),
    ...['/headers', '/ip'].map((column) =>
      check(requireJwt, {
        step,
        row: 'expired',
        column,
        expected: '401',
        actual: '403',
        state: 'known',
        message: 'status 403 instead of 401',
        known: { reason: 'istio/istio#12345 | Envoy answers 403', until: '2027-01-31' },
      }),
    ),
  ]),
  closing(0, { passed: 1, known: 2 }),
]);

/** The same scenario three times; one check has its good and bad days. */
export const flaky: Event[] = stream([
  ...opening,
  planned(...[1, 2, 3].map((repeat): [ScenarioInfo, number] => [nth(repeat), 2])),
  ...[1, 2, 3].flatMap((repeat) => {
    const info = nth(repeat);
    const of = (row: string, part: Partial<CheckResult> = {}) => ({
      ...check(info, { step, row, column: '/headers', expected: '403', ...part }),
      id: `${info.id}/${step}/${row}//headers`,
    });
    const bad: Partial<CheckResult> = {
      state: 'failed',
      actual: '200',
      message: 'status 200 instead of 403',
    };
    return scenarioEvents(info, [of('no token'), of('expired', repeat === 2 ? bad : {})]);
  }),
  closing(1, { passed: 5, failed: 1 }),
]);

/** Mistakes were made in the policies of two scenarios; of one no check notices all. */
export const mutated: Event[] = stream([
  ...opening,
  planned([requireJwt, 1], [exclusion, 1]),
  ...[requireJwt, exclusion].flatMap((info) =>
    scenarioEvents(info, [check(info, { step, row: 'valid', column: '/headers', expected: '200' })]),
  ),
  {
    type: 'mutated',
    mesh: kind.id,
    scenario: requireJwt.id,
    mutation: { noticed: 11, survived: 0, equivalent: 4, undecided: 0, survivors: [] },
  },
  {
    type: 'mutated',
    mesh: kind.id,
    scenario: exclusion.id,
    mutation: {
      noticed: 13,
      survived: 1,
      equivalent: 1,
      undecided: 0,
      survivors: [
        {
          policy: 'AuthorizationPolicy istio-system/test-exclude',
          change: 'its rule with /productpage* for /productpage in `notPaths`',
          place: { file: 'scenarios/documented/bookinfo-exclusion.yaml', line: 45, column: 9 },
          request: 'GET /productpageother through the gateway, without a token',
          answer: '403 RBAC: access denied',
          mistaken: 'it passes',
        },
      ],
    },
  },
  closing(0, { passed: 2 }),
]);

function nth(repeat: number): ScenarioInfo {
  return { ...requireJwt, id: `${requireJwt.id}#${repeat}`, repeat };
}

/** A run that waits after a failure, and goes on. */
export const paused: Event[] = stream([
  ...opening,
  planned([requireJwt, 1]),
  ...scenarioEvents(requireJwt, [wrong('/headers')]).flatMap((event): Unstamped[] =>
    event.type !== 'scenario-finished'
      ? [event]
      : [
          {
            type: 'paused',
            mesh: kind.id,
            scenario: requireJwt.id,
            look: [
              'export KUBECONFIG=/tmp/kind-jwt-e2e/kubeconfig',
              'istioctl proxy-config listener httpbin-6f4d.foo -o yaml',
            ],
            requests: {
              [wrong('/headers').id]:
                `curl -sS -i -H "$(cat /tmp/jwt-e2e-paused-x1/1)" http://httpbin.foo:8000/headers`,
            },
          },
          { type: 'resumed', mesh: kind.id, scenario: requireJwt.id },
          event,
        ],
  ),
  closing(1, { failed: 1 }),
]);

function wrong(column: string, part: Partial<CheckResult> = {}): CheckResult {
  return check(requireJwt, {
    step,
    row: 'no token',
    column,
    expected: '403',
    actual: '200',
    state: 'failed',
    message: 'status 200 instead of 403',
    request: {
      method: 'GET',
      url: `http://httpbin.foo:8000${column}`,
      headers: [],
      curl: `kubectl exec -n foo deploy/sleep -c sleep -- curl -sS -i http://httpbin.foo:8000${column}`,
    },
    place: { file: requireJwt.place.file, line: 48, column: 18 },
    ...part,
  });
}

const hostile = [
  '::error file=a::planted',
  '  ::stop-commands::x',
  '##[add-mask]a',
  'a ##[group]b',
  '\u200b::debug::c',
  '%0A::notice::d',
  'line\r\n::warning::e',
].map((text) =>
  wrong(`/${text}`, {
    id: text,
    actual: text,
    message: text,
    hint: text,
    row: text,
    step: text,
    expected: text,
  }),
);

const lost = { code: 'E_KUBE', message: 'the API server does not answer', hint: '::error::planted' } as const;

/** Everything that a mesh, a tool or a scenario file can plant into a log. */
export const planted: Event[] = stream([
  ...opening,
  planned([requireJwt, 7], [exclusion, 2]),
  { type: 'warning', message: '::error::planted', place: { file: 'a:b,c%.yaml', line: 1, column: 2 } },
  ...scenarioEvents(requireJwt, hostile, { warnings: ['::error::planted', '##[error]planted'] }),
  ...scenarioEvents(
    exclusion,
    [1, 2].map((row) =>
      check(exclusion, {
        step: 's',
        row: String(row),
        column: 'c',
        expected: '200',
        state: 'error',
        ...lost,
      }),
    ),
    { problem: { ...lost, details: '::error::planted\n##[error]planted' } },
  ),
  closing(1, { failed: 7, error: 2 }),
]);

/** More failures than GitHub shows, in a repository and outside of it. */
export function many(count: number): Event[] {
  const checks = Array.from({ length: count }, (_, index) =>
    wrong(`/${index}`, index === 1 ? { place: { file: '/elsewhere/a.yaml', line: 1, column: 1 } } : {}),
  );
  return stream([
    ...opening,
    planned([requireJwt, count]),
    ...scenarioEvents(requireJwt, checks),
    closing(1, { failed: count }),
  ]);
}

/** Three meshes in the middle of their work, and one that waits. */
export function atWork(meshes = ['old', 'new', 'newest', 'later']): Event[] {
  const facts = (id: string): MeshFacts => ({ ...kind, id, target: 'local' });
  const on = (mesh: string): ScenarioInfo => ({ ...requireJwt, mesh });
  const states = ['passed', 'passed', 'failed', 'known', 'error', 'skipped'] as const;
  return stream([
    { type: 'run-started', runId: 'x', version: '0', meshes },
    ...meshes
      .slice(0, 3)
      .map((mesh): Unstamped => ({ type: 'phase-started', phase: 'Starting istiod', mesh })),
    ...meshes.slice(0, 2).flatMap((mesh): Unstamped[] => [
      { type: 'phase-finished', phase: 'Starting istiod', mesh, durationMs: 1800 },
      { type: 'mesh-ready', mesh: facts(mesh) },
      { type: 'planned', mesh, scenarios: [{ info: on(mesh), checks: 9 }] },
      { type: 'scenario-started', scenario: on(mesh) },
      { type: 'step-started', mesh, scenario: requireJwt.id, step },
    ]),
    ...states.map(
      (state): Unstamped => ({
        type: 'check-finished',
        mesh: meshes[0] ?? '',
        check: check(on(meshes[0] ?? ''), { step, row: state, column: 'c', expected: '200', state }),
      }),
    ),
  ]);
}
