/** Runs as rich as real ones, for the page: policies, tokens, evidence, leaks, and two versions side by side. */
import type {
  AppliedManifest,
  CheckResult,
  CheckState,
  Event,
  MeshFacts,
  ScenarioInfo,
  Selection,
  Unstamped,
} from '../../../src/base/events.ts';
import { type History, type PastRun, pastRunOf } from '../../../src/report/history/history.ts';
import { ResultModel } from '../../../src/report/model.ts';
import type { RunResult } from '../../../src/report/result.ts';
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
} from '../fixture.ts';

/** What the events amount to. */
export function resultOf(events: readonly Event[]): RunResult {
  const model = new ResultModel();
  for (const event of events) model.add(event);
  return model.result();
}

const startedAt = Date.UTC(2026, 2, 14, 9, 30, 0) / 1000;
const claims = {
  iss: 'testing@secure.istio.io',
  sub: 'testing@secure.istio.io',
  iat: 1532389700,
  exp: 4685989700,
};
const header = { alg: 'RS256', kid: 'sample-7f3a-1', typ: 'JWT' };
const tokens = {
  valid: { name: 'valid', header, claims },
  expired: { name: 'expired', header, claims: { ...claims, exp: startedAt - 3600 } },
  'not a JWT': { name: 'not a JWT', raw: 'this-is-not-a-jwt' },
} as const;

const authentication: AppliedManifest = {
  object: 'RequestAuthentication foo/jwt-example',
  yaml: `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: jwt-example
  namespace: foo
spec:
  selector:
    matchLabels:
      app: httpbin
  jwtRules:
    - issuer: testing@secure.istio.io
      jwks: '{"keys":[{"kty":"RSA","kid":"sample-7f3a-1","use":"sig","alg":"RS256","n":"xGFqa8dZ8s0OhqzaK4ZY","e":"AQAB"}]}'
`,
};
const authorization: AppliedManifest = {
  object: 'AuthorizationPolicy foo/require-jwt',
  yaml: `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: require-jwt
  namespace: foo
spec:
  selector:
    matchLabels:
      app: httpbin-v1
  action: ALLOW
  rules:
    - from:
        - source:
            requestPrincipals: ['testing@secure.istio.io/testing@secure.istio.io']
`,
};

function request(path: string, token?: keyof typeof tokens): CheckResult['request'] {
  const bearer =
    token === undefined ? '' : " -H 'Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ0ZXN0aW5nIn0.…'";
  return {
    method: 'GET',
    url: `http://httpbin.foo:8000${path}`,
    headers: [['x-request-id', '7f3a-12']],
    curl: `kubectl exec -n foo deploy/sleep -c sleep -- curl --path-as-is --globoff -sS -i${bearer} http://httpbin.foo:8000${path}`,
    token: token === undefined ? undefined : tokens[token],
  };
}

const body =
  '{\n  "headers": {\n    "Host": ["httpbin.foo:8000"],\n    "X-Request-Id": ["7f3a-12"]\n  }\n}\n';
const json = { 'content-type': 'application/json', 'content-length': String(body.length), server: 'envoy' };
const ok = { status: 200, headers: json, body };
const denied = (status: number, text: string) => ({
  status,
  headers: { 'content-length': String(text.length), 'content-type': 'text/plain', server: 'istio-envoy' },
  body: text,
});
const noSelection =
  'AuthorizationPolicy foo/require-jwt selects none of the proxies that decide about this request: its selector wants app=httpbin-v1, and the proxies have app=httpbin';

const open = 'without any policy every request passes';
const first = 'with RequestAuthentication alone';
const second = 'a token is required';
const row = (step: string, name: string, expected: string, more: Partial<CheckResult> = {}): CheckResult =>
  check(requireJwt, {
    step,
    row: name,
    column: '/headers',
    expected,
    place: { file: requireJwt.place.file, line: 34, column: 18 },
    request: request('/headers', name in tokens ? (name as keyof typeof tokens) : undefined),
    response: expected.startsWith('200')
      ? ok
      : denied(Number(expected.slice(0, 3)), expected.split('"')[1] ?? ''),
    proof: '1 proxy has issuer testing@secure.istio.io',
    ...more,
  });

/** A policy whose selector matches no workload: two answers are wrong. */
const missingSelector: CheckResult[] = [
  row(open, 'no token', '200'),
  row(open, 'valid', '200'),
  row(first, 'no token', '200'),
  row(first, 'valid', '200'),
  row(first, 'expired', '401 "Jwt is expired"', {
    convergence: { attempts: 12, firstRightMs: 1204, lastWrongMs: 980, stale: 9 },
  }),
  row(
    first,
    'not a JWT',
    '401 "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"',
  ),
  row(second, 'no token', '403 "RBAC: access denied"', {
    state: 'failed',
    actual: '200',
    message: `status 200 instead of 403; ${noSelection}`,
    hint: 'Correct metadata.namespace or spec.selector.matchLabels of the policy, or the labels of the pods.',
    response: ok,
    convergence: { attempts: 60, lastWrongMs: 30_100, stale: 60 },
    evidence: 'require-jwt-a-token-is-required-no-token-headers-7616f1',
    evidenceFiles: [
      { name: 'manifests.yaml', text: `${authentication.yaml}---\n${authorization.yaml}` },
      {
        name: 'httpbin-698cd4b545-wcjqf.access-log.txt',
        text: '"GET /headers HTTP/1.1" 200 - via_upstream\n'.repeat(3),
      },
      {
        name: 'istiod.txt',
        text: '2026-03-14T09:31:02Z info ads Push debounce stable\n'.repeat(4),
        omitted: 18_220,
      },
    ],
    durationMs: 30_210,
  }),
  row(second, 'valid', '200'),
  row(second, 'expired', '401 "Jwt is expired"', {
    convergence: { attempts: 4, firstRightMs: 455, lastWrongMs: 430, stale: 1 },
  }),
  row(second, 'not a JWT', '401', {
    state: 'known',
    actual: '403 "RBAC: access denied"',
    message: 'status 403 instead of 401',
    response: denied(403, 'RBAC: access denied'),
    known: { reason: 'gateway team rejects before authentication, ticket MESH-114', until: '2026-09-30' },
  }),
  check(requireJwt, {
    kind: 'fetched',
    step: second,
    row: 'keys of sample',
    column: 'fetched by',
    expected: 'keys fetched by nobody',
    convergence: undefined,
  }),
];

const bookinfo = ['/productpage', '/api/v1/products/0', '/api/v1/products/1'].flatMap((path) =>
  (['no token', 'valid', 'invalid'] as const).map((column) => {
    const isOpen = path === '/productpage';
    const expected =
      column === 'valid' || (isOpen && column === 'no token')
        ? '200'
        : column === 'invalid'
          ? '401 "Jwt verification fails"'
          : '403 "RBAC: access denied"';
    return check(exclusion, {
      step: 'deny what has no principal, except on the excluded path',
      row: path,
      column,
      expected,
      finding:
        isOpen && column === 'invalid'
          ? 'Excluding a path in an AuthorizationPolicy does not switch RequestAuthentication off: an invalid token is rejected on the excluded path too.'
          : undefined,
      request: request(path, column === 'valid' ? 'valid' : column === 'invalid' ? 'expired' : undefined),
      response: expected === '200' ? ok : denied(Number(expected.slice(0, 3)), expected.split('"')[1] ?? ''),
      convergence:
        column === 'no token' && !isOpen
          ? { attempts: 9, firstRightMs: 640, lastWrongMs: 612, stale: 4 }
          : { attempts: 3, firstRightMs: 398, stale: 0 },
    });
  }),
);

const forHttpbin = {
  policy: authentication.object,
  workloads: ['foo/httpbin'],
};
/** The selector of the second policy matches nothing. */
const selections: Readonly<Record<string, Selection>> = {
  [first]: { workloads: ['foo/httpbin'], policies: [forHttpbin] },
  [second]: {
    workloads: ['foo/httpbin'],
    policies: [
      forHttpbin,
      {
        policy: authorization.object,
        action: 'ALLOW',
        workloads: [],
        idle: 'no pod of namespace foo has app=httpbin-v1',
      },
    ],
  },
};

/** Puts manifests where the steps were applied. */
function withManifests(events: readonly Unstamped[]): Unstamped[] {
  return events.flatMap((event): Unstamped[] => {
    if (event.type === 'step-applied') {
      if (event.step === open) return [];
      const manifests = event.step === second ? [authorization] : [authentication];
      const { mesh, scenario, step } = event;
      const selection = selections[step];
      return [
        { ...event, objects: manifests.map(({ object }) => `${object} created`), manifests },
        ...(selection === undefined
          ? []
          : [{ type: 'step-selected', mesh, scenario, step, selection } satisfies Unstamped]),
      ];
    }
    return [event];
  });
}

/** One mesh; a selector that matches nothing, a known deviation, a finding, leaks. */
export const failing: Event[] = stream([
  ...opening,
  planned([requireJwt, missingSelector.length], [exclusion, bookinfo.length]),
  ...withManifests(scenarioEvents(requireJwt, missingSelector)),
  ...withManifests(scenarioEvents(exclusion, bookinfo)),
  closing(1, { passed: 18, failed: 1, known: 1 }),
]);

const versions = ['1.29.4', '1.30.3'].map(
  (istio): MeshFacts => ({
    ...kind,
    id: `kind-${istio}`,
    istio,
    envoy: istio === '1.30.3' ? '1.38.1' : '1.37.2',
  }),
);
const on = (mesh: MeshFacts, info: ScenarioInfo): ScenarioInfo => ({ ...info, mesh: mesh.id });
const [older, newer] = versions as [MeshFacts, MeshFacts];
const rejected = 'expected 401 "Jwt is expired", got 403 "RBAC: access denied"';
const changed = missingSelector
  .filter(({ state, kind }) => state === 'passed' && kind === 'request')
  .map(
    (each): CheckResult =>
      each.step === second && each.row === 'expired'
        ? {
            ...each,
            state: 'failed',
            actual: '403 "RBAC: access denied"',
            message: rejected,
            response: denied(403, 'RBAC: access denied'),
          }
        : each,
  );
const same = missingSelector.filter(({ state, kind }) => state === 'passed' && kind === 'request');

/** Two versions of Istio; one answer is another one, and one scenario broke off on the newer one. */
export const sideBySide: Event[] = stream([
  {
    type: 'run-started',
    runId: '20260314-093000-7f3a',
    version: '0.1.0',
    meshes: versions.map(({ id }) => id),
  },
  ...versions.flatMap((mesh): Unstamped[] => [
    { type: 'phase-started', phase: `Installing Istio ${mesh.istio}`, mesh: mesh.id },
    {
      type: 'phase-finished',
      phase: `Installing Istio ${mesh.istio}`,
      mesh: mesh.id,
      durationMs: mesh === older ? 39_100 : 41_870,
    },
    { type: 'mesh-ready', mesh },
    {
      type: 'planned',
      mesh: mesh.id,
      scenarios: [
        { info: on(mesh, requireJwt), checks: same.length },
        { info: on(mesh, exclusion), checks: bookinfo.length },
      ],
    },
  ]),
  ...withManifests(scenarioEvents(on(older, requireJwt), same)),
  ...withManifests(scenarioEvents(on(newer, requireJwt), changed)),
  ...withManifests(scenarioEvents(on(older, exclusion), bookinfo)),
  ...withManifests(
    scenarioEvents(on(newer, exclusion), bookinfo.slice(0, 6), {
      problem: {
        code: 'E_NOT_READY',
        message: 'deployment productpage-v1 in default was not ready within 120s',
        hint: 'look at the events: kubectl get events -n default',
      },
    }),
  ),
  closing(1, { passed: 22, failed: 1 }),
]);

/** Five runs before: a check that fails for two runs, one that came and went, and the others as they are. */
export function earlier(result: RunResult): History {
  const runs = [0, 1, 2, 3, 4].map((day): PastRun => {
    const past = pastRunOf(result);
    const states = [...past.states].map(([mesh, checks]) => {
      const changed = [...checks].map(([id, state], index): [string, CheckState] => {
        if (state === 'failed') return [id, day < 3 ? 'passed' : 'failed'];
        return [id, index === 2 && day === 2 ? 'error' : state];
      });
      return [mesh, new Map(day === 0 ? changed.slice(3) : changed)] as const;
    });
    const startedAt = `2026-03-0${day + 5}T09:30:00.000Z`;
    return { ...past, id: `run-${day}`, startedAt, states: new Map(states) };
  });
  return { runs, problems: [] };
}

/** A run with as many checks, of which each tenth has failed: those of the showcase again and again. */
export function large(checks: number): RunResult {
  const result = resultOf(failing);
  const scenario = result.scenarios.find(({ checks: own }) => own.some(({ state }) => state === 'failed'))!;
  const passed = scenario.checks.find(({ state }) => state === 'passed')!;
  const failed = scenario.checks.find(({ state }) => state === 'failed')!;
  const all = Array.from({ length: checks }, (_, index) => {
    const check = index % 10 === 9 ? failed : passed;
    const column = `/headers?n=${index}`;
    return { ...check, column, id: `${scenario.info.id}/${check.step}/${check.row}/${column}` };
  });
  return { ...result, scenarios: [{ ...scenario, checks: all }] };
}
