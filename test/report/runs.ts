/** The runs that the reports are tested with. */
import {
  type CheckResult,
  type Event,
  type MeshFacts,
  problemOf,
  type ScenarioInfo,
  type Unstamped,
} from '../../src/base/events.ts';
import { nothingTested } from '../../src/base/skipped.ts';
import {
  check,
  closing,
  exclusion,
  external,
  opening,
  planned,
  requireJwt,
  scenarioEvents,
  stream,
} from './fixture.ts';

const before = 'without any policy every request passes';
const after = 'a token is required';
const [byIstiod, byEnvoy] = external as [(typeof external)[number], (typeof external)[number]];

const requireJwtPassed: CheckResult[] = [
  check(requireJwt, { step: before, row: '/headers', column: 'no token', expected: '200' }),
  check(requireJwt, { step: before, row: '/headers', column: 'valid', expected: '200' }),
  check(requireJwt, {
    step: after,
    row: 'no token',
    column: '/headers',
    expected: '403 "RBAC: access denied"',
    convergence: { attempts: 9, firstRightMs: 1204, lastWrongMs: 980, stale: 6 },
    proof: 'provider testing@secure.istio.io in the listener of httpbin-6f4d.foo',
  }),
  check(requireJwt, { step: after, row: 'valid', column: '/headers', expected: '200' }),
];

const exclusionSkipped = ['/productpage', '/api/v1/products/0'].map((row) =>
  check(exclusion, {
    step: 'authenticate at the gateway',
    row,
    column: 'no token',
    expected: '200',
    actual: undefined,
    state: 'skipped',
    message: 'target local has no ingress gateway',
    convergence: undefined,
    durationMs: 0,
  }),
);

/** Everything passed. */
export const passed: Event[] = stream([
  ...opening,
  planned([requireJwt, 4], [byIstiod, 1], [byEnvoy, 1]),
  ...scenarioEvents(requireJwt, requireJwtPassed),
  { type: 'phase-started', phase: 'let istiod fetch keys' },
  { type: 'phase-finished', phase: 'let istiod fetch keys', durationMs: 6120 },
  ...scenarioEvents(byIstiod, [
    check(byIstiod, { step: 'keys by URL', row: 'valid', column: '/ip', expected: '200' }),
  ]),
  { type: 'phase-started', phase: 'let Envoy fetch keys' },
  { type: 'phase-finished', phase: 'let Envoy fetch keys', durationMs: 5980 },
  ...scenarioEvents(byEnvoy, [
    check(byEnvoy, { step: 'keys by URL', row: 'valid', column: '/ip', expected: '200' }),
  ]),
  closing(0, { passed: 6 }),
]);

const wrongAnswer = check(requireJwt, {
  step: after,
  row: 'no token',
  column: '/headers',
  place: { file: 'scenarios/documented/require-jwt.yaml', line: 48, column: 18 },
  expected: '403 "RBAC: access denied"',
  actual: '200',
  state: 'failed',
  message: 'the mesh let the request through, 3 times in a row',
  hint: 'the AuthorizationPolicy selects no workload when its label is misspelt',
  request: {
    method: 'GET',
    url: 'http://httpbin.foo:8000/headers',
    headers: [['user-agent', 'jwt-e2e/7f3a-12']],
    curl: "kubectl exec deploy/sleep -n foo -c sleep -- curl -sS -i 'http://httpbin.foo:8000/headers'",
  },
  response: {
    status: 200,
    headers: { 'content-type': 'application/json', server: 'envoy' },
    body: '{\n  "headers": {\n    "Host": [\n      "httpbin.foo:8000"\n    ]\n  }\n}\n',
  },
  convergence: { attempts: 60, lastWrongMs: 30_100, stale: 60 },
  evidence: 'require-jwt/a-token-is-required/no-token-headers',
  durationMs: 30_210,
});

const wrongCode = check(requireJwt, {
  step: after,
  row: 'expired',
  column: '/headers',
  place: { file: 'scenarios/documented/require-jwt.yaml', line: 51, column: 17 },
  expected: '401',
  actual: '403',
  state: 'failed',
  finding: 'Istio up to 1.20 answers 403 to an <expired> token & calls it "RBAC: access denied"',
  request: {
    method: 'GET',
    url: 'http://httpbin.foo:8000/headers',
    headers: [['user-agent', 'jwt-e2e/7f3a-15']],
    curl: "kubectl exec deploy/sleep -n foo -c sleep -- curl -sS -i -H 'Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.…' 'http://httpbin.foo:8000/headers'",
    token: {
      name: 'expired',
      header: { alg: 'RS256', kid: 'sample-7f3a', typ: 'JWT' },
      claims: { iss: 'testing@secure.istio.io', exp: 1532389800 },
    },
  },
  response: { status: 403, headers: {}, body: 'RBAC: access denied' },
  evidence: 'require-jwt/a-token-is-required/expired-headers',
  durationMs: 30_180,
});

const noVerdict = check(byEnvoy, {
  step: 'keys by URL',
  row: 'valid',
  column: '/ip',
  expected: '200',
  actual: undefined,
  state: 'error',
  code: 'E_SEND',
  message: 'curl in sleep-5b7c.foo gave no answer within 10s',
  hint: 'see whether the pod is ready: kubectl get pods -n foo',
  convergence: undefined,
  request: {
    method: 'GET',
    url: 'http://httpbin.foo:8000/ip',
    headers: [],
    curl: "kubectl exec deploy/sleep -n foo -c sleep -- curl -sS -i 'http://httpbin.foo:8000/ip'",
    token: { name: 'not a JWT', header: undefined, claims: undefined, raw: 'this-is-not-a-jwt' },
  },
});

const fetchedByOther = check(byIstiod, {
  kind: 'fetched',
  step: 'keys by URL',
  row: 'keys',
  column: 'fetched by',
  expected: 'istiod',
  actual: 'envoy (4 requests)',
  state: 'failed',
  place: { file: 'scenarios/documented/not-there.yaml', line: 30, column: 9 },
});

/** Wrong answers, no answers, skipped checks, findings and warnings, in two fetch modes. */
export const failures: Event[] = stream([
  ...opening,
  planned([requireJwt, 5], [byIstiod, 2], [byEnvoy, 3], [exclusion, 2]),
  {
    type: 'warning',
    message: 'the node image is not pinned by digest',
    place: { file: 'jwt-e2e.yaml', line: 3, column: 5 },
  },
  ...scenarioEvents(
    requireJwt,
    [...requireJwtPassed.slice(0, 2), wrongAnswer, wrongCode, requireJwtPassed[3]!],
    {
      warnings: [
        'AuthorizationPolicy foo/require-jwt: \u001b[33mrequestPrincipals "*" matches any issuer\u001b[0m',
      ],
    },
  ),
  ...scenarioEvents(byIstiod, [
    check(byIstiod, {
      step: 'keys by URL',
      row: 'valid',
      column: '/ip',
      expected: '200',
      finding: 'istiod caches keys for 20 minutes, the document says 5',
    }),
    fetchedByOther,
  ]),
  ...scenarioEvents(byEnvoy, [noVerdict], {
    problem: {
      code: 'E_NOT_READY',
      message: 'deployment httpbin in foo was not ready within 120s',
      hint: 'look at the events: kubectl get events -n foo',
      details: 'pod httpbin-6f4d: ImagePullBackOff\nrpc error: code = NotFound',
    },
  }),
  ...scenarioEvents(exclusion, exclusionSkipped),
  closing(1, { passed: 4, failed: 3, error: 1, skipped: 2 }),
]);

/** Only checks that the target cannot do, and some that it can. */
export const skipped: Event[] = stream([
  ...opening.slice(0, 1),
  {
    type: 'mesh-ready',
    mesh: {
      id: 'local',
      target: 'local',
      reason: 'no Docker engine answers',
      istio: '1.30.3',
      fetch: 'istiod',
    },
  },
  {
    type: 'planned',
    mesh: 'local',
    scenarios: [
      { info: { ...requireJwt, mesh: 'local' }, checks: 4 },
      { info: { ...exclusion, mesh: 'local' }, checks: 2 },
    ],
  },
  ...scenarioEvents({ ...requireJwt, mesh: 'local' }, requireJwtPassed),
  ...scenarioEvents({ ...exclusion, mesh: 'local' }, exclusionSkipped),
  closing(0, { passed: 4, skipped: 2 }),
]);

/** Nothing that was chosen is for this mesh. */
export const untested: Event[] = stream([
  ...opening,
  planned([exclusion, 2]),
  ...scenarioEvents(exclusion, exclusionSkipped),
  closing(
    4,
    { skipped: 2 },
    { problem: problemOf(nothingTested(exclusionSkipped.map(({ message = '' }) => message))) },
  ),
]);

const setupProblem = {
  code: 'E_ISTIO',
  message: 'istioctl install ended with exit code 1',
  hint: 'see whether the images can be pulled: jwt-e2e doctor',
  details: [
    ...Array.from({ length: 12 }, (_, line) => `- Processing resources for Istiod, try ${line + 1}`),
    '✘ Istiod encountered an error: failed to wait for resource',
    '',
  ].join('\n'),
} as const;

/** Istio could not be installed: no scenario ran. */
export const setupFailed: Event[] = stream([
  ...opening.slice(0, 3),
  planned([requireJwt, 4], [exclusion, 2]),
  { type: 'phase-started', phase: 'install Istio 1.30.3' },
  { type: 'phase-failed', phase: 'install Istio 1.30.3', durationMs: 301_000, problem: setupProblem },
  closing(4, {}, { problem: setupProblem }),
]);

const cutOff = scenarioEvents(requireJwt, [requireJwtPassed[0]!, wrongAnswer]).slice(0, -1);

/** Ctrl-C in the middle of the first scenario. */
export const interrupted: Event[] = stream([
  ...opening,
  planned([requireJwt, 4], [exclusion, 2]),
  ...cutOff,
  closing(130, { passed: 1, failed: 1 }, { interrupted: true }),
]);

/** What is known when the process is killed in the middle of the second scenario. */
export const killed: Event[] = stream([
  ...opening,
  planned([requireJwt, 4], [exclusion, 2]),
  ...scenarioEvents(requireJwt, requireJwtPassed),
  { type: 'scenario-started', scenario: exclusion },
]);

const onMeshes = [
  { istio: '1.30.3', envoy: '1.36.4' },
  { istio: '1.30.3', envoy: '1.40.0' },
].map(
  ({ istio, envoy }): MeshFacts => ({
    id: `istio-${istio}-envoy-${envoy}`,
    target: 'local',
    reason: 'asked for with --target local',
    istio,
    envoy,
    fetch: 'istiod',
  }),
);
const broken = 'istio-1.31.0-envoy-1.40.0';
const labels = [...onMeshes.map(({ id }) => id), broken];
const noProgram = {
  code: 'E_PROGRAM',
  message: 'there is no pilot-discovery of Istio 1.31.0',
  hint: 'see what there is: jwt-e2e doctor',
} as const;
const on = (mesh: MeshFacts, info: ScenarioInfo): ScenarioInfo => ({ ...info, mesh: mesh.id });
const [older, newer] = onMeshes as [MeshFacts, MeshFacts];

/** Side by side: two that differ in Envoy alone, and one that could not be set up. */
export const several: Event[] = stream([
  { type: 'run-started', runId: '20260314-093000-7f3a', version: '0.1.0', meshes: labels },
  ...labels.map((mesh): Unstamped => ({ type: 'phase-started', phase: 'Starting istiod', mesh })),
  { type: 'phase-failed', phase: 'Starting istiod', mesh: broken, durationMs: 210, problem: noProgram },
  { type: 'mesh-failed', mesh: broken, problem: noProgram },
  // The later one is ready first.
  ...[newer, older].flatMap((mesh): Unstamped[] => [
    { type: 'phase-finished', phase: 'Starting istiod', mesh: mesh.id, durationMs: 1830 },
    { type: 'mesh-ready', mesh },
    {
      type: 'planned',
      mesh: mesh.id,
      scenarios: [
        { info: on(mesh, requireJwt), checks: 4 },
        { info: on(mesh, exclusion), checks: 2 },
      ],
    },
  ]),
  { type: 'warning', mesh: newer.id, message: 'istiod took 1.4 GiB' },
  ...interleaved(
    scenarioEvents(
      on(newer, requireJwt),
      requireJwtPassed.map((each) =>
        each.row === 'no token' ? { ...answered(each, 200), state: 'failed', actual: '200' } : answered(each),
      ),
    ),
    scenarioEvents(
      on(older, requireJwt),
      requireJwtPassed.map((each) => answered(each)),
    ),
  ),
  ...interleaved(
    scenarioEvents(on(older, exclusion), exclusionSkipped),
    scenarioEvents(on(newer, exclusion), exclusionSkipped),
  ),
  closing(1, { passed: 7, failed: 1, skipped: 4 }),
]);

/** Events of two meshes as they come when both are at work. */
function interleaved(one: readonly Unstamped[], other: readonly Unstamped[]): Unstamped[] {
  return one.flatMap((event, index) => [event, other[index]].filter((each) => each !== undefined));
}

function answered(check: CheckResult, status = Number(check.expected.slice(0, 3))): CheckResult {
  return { ...check, response: { status, headers: {}, body: '' } };
}
