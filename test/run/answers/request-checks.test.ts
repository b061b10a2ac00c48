/** The request checks of a step: what is sent and how often, what is looked at when an answer is wrong, and what is told. */
import { describe, expect, test } from 'vitest';
import { checkRequests } from '../../../src/run/answers/request-checks.ts';
import { runStep } from '../../../src/run/steps/step.ts';
import type { Held } from '../../../src/run/steps/step-state.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { type FakeAnswer, FakeTarget, fakePod, fakeProxy } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { applyAuthentication, applyAuthorization, scenarioSource, sendStep, stateOf } from '../support.ts';

const holds: Held = { kind: 'holds', proof: 'it was seen' };
const unproven: Held = { kind: 'unproven', message: 'it has not come' };
const since = Date.UTC(2026, 10, 25);
const callsOf = ({ calls }: FakeTarget, name: string) => calls.filter((call) => call.split(' ')[0] === name);
const answering = (answer: FakeAnswer | FakeTarget['answer']) => {
  const target = new FakeTarget();
  target.answer = typeof answer === 'function' ? answer : () => answer;
  return target;
};
const hasToken: (...request: Parameters<FakeTarget['answer']>) => boolean = ({ headers }) =>
  headers.some(([name]) => name === 'Authorization');

/** The requests of a step, whose configuration was proven unless another state is given. */
async function checked(
  step: string,
  target = new FakeTarget(),
  { held = holds, isSurveyed = true, more = '' }: { held?: Held; isSurveyed?: boolean; more?: string } = {},
) {
  const made = await stateOf(scenarioSource('one', step, more), target);
  if (isSurveyed) made.state.survey = await target.survey(unaborted());
  target.calls.length = 0;
  const [first] = made.state.scenario.steps;
  if (first === undefined) return expect.fail('it has a step');
  const results = await checkRequests(first, made.state, held, since, unaborted());
  return { ...made, results };
}
const cell = (expected: string, column = 'no token') => `  - name: s
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect:
      columns: [${column}]
      /headers: [${expected}]
`;
const ingress = `  - name: s
    through: ingress
    expect: { columns: [no token], /headers: [200] }
`;

describe('what is sent', () => {
  test('is nothing for a step without requests, or whose requests are all skipped', async () => {
    const refused = `  - name: s\n${applyAuthorization}    refused: { message: no }\n`;
    const skipped = sendStep(
      's',
      '[[{ when: { istio: "<1.0" }, code: 200 }], [{ when: { istio: "<1.0" }, code: 200 }]]',
    );
    for (const step of [refused, skipped]) {
      const { results, target } = await checked(step);
      expect(results).toEqual([]);
      expect(target.calls).toEqual([]);
    }
  });

  test('has a name of its own for each check of a run, and all of it is sent in one go', async () => {
    const { target } = await checked(`${sendStep('s')}      /get: [200, 200]\n`);
    const ids = new Set(target.seen.map(({ id }) => id));
    expect(ids.size).toBe(4);
    const numbers = [...ids].map((id) => Number(/^jwt-e2e\/abc123-(\d+)$/.exec(id)?.[1]));
    expect(numbers).toEqual([0, 1, 2, 3].map((index) => numbers[0]! + index));
    expect(callsOf(target, 'send')).toEqual(['send 4 x 6 from pod']);
  });

  test('is nothing of who has fetched keys, which is looked at later', async () => {
    const step = `${cell('200')}    fetched: { from: outside, by: nobody }\n`;
    const { results } = await checked(step, new FakeTarget(), {
      more: 'keyServers: { outside: { serves: sample } }',
    });
    expect(results.map(({ kind }) => kind)).toEqual(['request']);
  });

  test('is sent until the answer is right, or the time for it has passed', async () => {
    let sent = 0;
    const late = await checked(
      cell('200'),
      answering(() => {
        sent += 1;
        return sent > 12 ? 200 : 503;
      }),
    );
    expect(late.results[0]).toMatchObject({ state: 'passed', convergence: { stale: expect.any(Number) } });
    const never = await checked(cell('200'), answering(503));
    expect(never.results[0]?.state).toBe('failed');
    // So many rounds fit into the second that answers have, with the pauses between them.
    expect(callsOf(never.target, 'send').length).toBeGreaterThan(2);
    expect(callsOf(never.target, 'send').length).toBeLessThan(10);
  });

  test('is sent once where nothing was proven: no waiting makes the answer one', async () => {
    const { target, results } = await checked(cell('200'), answering(503), { held: unproven });
    expect(callsOf(target, 'send')).toEqual(['send 1 x 5 from pod']);
    expect(results[0]).toMatchObject({ state: 'error', code: 'E_UNPROVEN' });
    expect(results[0]).toHaveProperty('proof', undefined);
  });
});

describe('right answers that are asked for', () => {
  const right = async (change: (target: FakeTarget) => void, isSurveyed = true) => {
    const target = new FakeTarget();
    change(target);
    const { results } = await checked(cell('200'), target, { isSurveyed });
    return results[0]?.convergence?.right;
  };

  test('are few where one pod of an application answers, and more where it is one of the scenario', async () => {
    expect(await right(() => {})).toBe(6);
    const own = (target: FakeTarget) => void Object.assign(target, { pods: [{ ...fakePod, isApp: false }] });
    expect(await right(own)).toBe(30);
  });

  test('are many where one answer need not be like the next, or nobody knows', async () => {
    const second = (target: FakeTarget) => void target.pods.push({ ...fakePod, name: 'httpbin-2' });
    expect(await right(second)).toBe(100);
    expect(await right(() => {}, false)).toBe(100);
  });

  test('are those of the request that is least certain', async () => {
    const target = new FakeTarget();
    const { survey } = target;
    const object = (name: string, app: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'foo' },
      spec: { selector: { app } },
    });
    target.survey = async (signal) => {
      const found = await survey.call(target, signal);
      return { ...found, objects: [...found.objects, object('own', 'own')] };
    };
    target.pods.push({ ...fakePod, name: 'own-1', labels: { app: 'own' }, isApp: false });
    const rows = (...hosts: string[]) =>
      cell('200').replace(
        '      /headers: [200]\n',
        hosts.map((host) => `      "http://${host}.foo:8000/get": [200]\n`).join(''),
      );
    const { results } = await checked(rows('httpbin', 'own'), target);
    expect(results.map(({ convergence }) => convergence?.right)).toEqual([30, 30]);
    target.pods.push({ ...fakePod, name: 'own-2', labels: { app: 'own' } });
    const chance = await checked(rows('httpbin', 'own'), target);
    expect(chance.results.map(({ convergence }) => convergence?.right)).toEqual([100, 100]);
  });
});

describe('what is expected', () => {
  test('has the names of the run filled in', async () => {
    const expected = '{ code: 200, body: "I am ${issuers.sample.issuer}" }';
    const { results } = await checked(cell(expected), answering({ status: 200, body: 'I am me' }));
    expect(results[0]).toMatchObject({ state: 'passed' });
  });

  test('may be the keys of an issuer of the run', async () => {
    const target = new FakeTarget();
    const made = await stateOf(scenarioSource('one', cell('{ code: 200, body: { jwks: sample } }')), target);
    const keys = made.state.context.issuers.get('sample')?.jwks().keys ?? [];
    const judged = async (kid: string | undefined) => {
      const body = JSON.stringify({ keys: keys.map((key) => ({ ...key, kid })) });
      target.answer = () => ({ body });
      const [check] = await checkRequests(made.stepOf('s'), made.state, holds, since, unaborted());
      return check?.state;
    };
    expect(await judged(keys[0]?.kid)).toBe('passed');
    expect(await judged('of-somebody-else')).toBe('failed');
  });
});

describe('when an answer is wrong', () => {
  const server = 'keyServers: { outside: { serves: sample } }';
  const withServer = cell('200', 'no token').replace('/headers', '"/${keyServers.outside.host}"');
  const asked = (target: FakeTarget) =>
    target.servers.flatMap(({ log }) => log.map(({ userAgent }) => userAgent));

  test('what this tool has put beside the mesh is looked at, and then everything that was proven', async () => {
    const { target, results } = await checked(withServer, answering(503), { more: server });
    expect(asked(target)).toEqual(['jwt-e2e/abc123-check']);
    expect(callsOf(target, 'altered')).toHaveLength(1);
    expect(results[0]).toMatchObject({ state: 'failed' });
  });

  test('it says nothing when that is broken, and nothing else is looked at', async () => {
    const target = answering(503);
    const { before } = target;
    target.before = (method, ...more) => {
      for (const each of target.servers) each.broken = 'it is cut off';
      return before(method, ...more);
    };
    const { results } = await checked(withServer, target, { more: server });
    expect(results[0]).toMatchObject({ state: 'error', code: 'E_KEY_SERVER', message: 'it is cut off' });
    expect(callsOf(target, 'altered')).toEqual([]);
    expect(callsOf(target, 'survey')).toEqual([]);
  });

  test('nothing of ours is asked about where nothing was proven, or all answers are right', async () => {
    const without = await checked(withServer, answering(503), { more: server, held: unproven });
    expect(asked(without.target)).toEqual([]);
    const right = await checked(withServer, answering(200), { more: server });
    expect(asked(right.target)).toEqual([]);
    expect(callsOf(right.target, 'altered')).toEqual([]);
  });

  test('one is enough, and takes nothing from the right ones', async () => {
    const target = answering((request) => (hasToken(request) ? 503 : 200));
    const { results } = await checked(sendStep('s'), target);
    expect(results.map(({ state }) => state)).toEqual(['passed', 'failed']);
    expect(callsOf(target, 'altered')).toHaveLength(1);
    expect(callsOf(target, 'evidence')).toHaveLength(1);
  });

  test('what others have done meanwhile takes the proof from all', async () => {
    const target = answering((request) => (hasToken(request) ? 503 : 200));
    target.meddled = ['Secret foo/tls was changed'];
    const { results } = await checked(sendStep('s'), target);
    expect(results.map(({ state, proof }) => [state, proof])).toEqual(Array(2).fill(['error', undefined]));
  });
});

describe('what is told of a check', () => {
  const answer = { headers: { server: 'envoy' }, body: 'x'.repeat(5000), at: since + 250 };

  test('that has passed: the request as it can be sent again, the answer, the proof', async () => {
    const { results, target, state } = await checked(cell('200', 'valid'), answering(answer));
    const [request] = target.seen;
    expect(results[0]).toMatchObject({
      id: 'one/s//headers/valid',
      state: 'passed',
      actual: '200',
      expected: '200',
      request: {
        curl: expect.stringMatching(
          /^curl -H 'Authorization: Bearer .* 'http:\/\/httpbin\.foo:8000\/headers'$/,
        ),
        method: 'GET',
        url: 'http://httpbin.foo:8000/headers',
        headers: request?.headers,
        token: state.context.tokens.get('valid')?.view,
      },
      response: { status: 200, headers: { server: 'envoy' }, body: expect.stringMatching(/^x{4096}\n/) },
      convergence: { attempts: 6, right: 6 },
      proof: 'it was seen',
      durationMs: 250,
    });
    expect(results[0]).not.toHaveProperty('evidence');
    expect(callsOf(target, 'evidence')).toEqual([]);
  });

  test('without a token: none', async () => {
    const { results } = await checked(cell('200'));
    expect(results[0]?.request).toHaveProperty('token', undefined);
  });

  test('through the ingress: the whole address', async () => {
    const { results } = await checked(ingress);
    expect(results[0]?.request?.url).toBe('http://127.0.0.1:31080/headers');
  });

  test.each([
    ['before the change, by a clock that was set', { at: since - 5 }],
    ['never', { status: 0, at: 0, error: 'refused' }],
  ])('whose answer came %s: it took no time', async (_, given) => {
    expect((await checked(cell('200'), answering(given))).results[0]?.durationMs).toBe(0);
  });

  test('that has failed: what was asked about it, where that is written', async () => {
    const target = answering({ ...answer, status: 503 });
    const queries: unknown[] = [];
    const { evidence } = target;
    target.evidence = async (query, signal) => {
      queries.push(query);
      return evidence.call(target, query, signal);
    };
    const { results } = await checked(cell('200'), target);
    expect(queries).toEqual([{ proxies: [fakeProxy], requestId: target.seen[0]?.id, since }]);
    expect(results[0]).toMatchObject({
      state: 'failed',
      evidence: expect.stringMatching(/^one-s-headers-no-token-[0-9a-f]{6}$/),
      evidenceFiles: [{ name: 'proxy-filters.json', text: 'the filters' }],
    });
    queries.length = 0;
    await checked(cell('200'), target, { isSurveyed: false });
    expect(queries).toEqual([{ proxies: [], requestId: expect.any(String), since }]);
  });

  test('that has failed: a warning where its evidence cannot be written', async () => {
    const artifacts = '/dev/null/artifacts';
    const target = answering(503);
    const made = await stateOf(scenarioSource('one', cell('200')), target, { options: { artifacts } });
    await checkRequests(made.stepOf('s'), made.state, holds, since, unaborted());
    expect(made.events).toEqual([{ type: 'warning', message: expect.stringContaining(artifacts) }]);
  });
});

describe('why an answer is wrong', () => {
  const denied = { status: 403, body: 'RBAC: access denied' };
  const both = `${applyAuthentication}${applyAuthorization.replace('    apply:\n', '')}`;
  const why = async (step: string, answer: FakeAnswer, envoy?: string) => {
    const target = answering(answer);
    // Only who sends through it asks for its address.
    if (!step.includes('through: ingress')) target.ingressUrl = () => expect.fail('there is no gateway');
    const made = await stateOf(scenarioSource('one', step), target, { options: { envoy } });
    const results = await runStep(made.stepOf('s'), made.state, unaborted());
    return results.at(-1)?.message;
  };

  test('is said by the policies first where access is denied', async () => {
    expect(await why(sendStep('s', '[401, 401]', applyAuthorization), denied)).toContain(
      'status 403 instead of 401; AuthorizationPolicy foo/require (ALLOW, for every workload of namespace foo): rule 1 does not match',
    );
    expect(await why(sendStep('s', '[401, 401]', applyAuthorization), { status: 403, body: 'mine' })).toBe(
      'status 403 instead of 401; no RequestAuthentication selects foo/httpbin-1',
    );
  });

  test('is said by Envoy and istiod first otherwise, and then by the policies', async () => {
    const other = applyAuthentication.replace('issuer: me', 'issuer: you');
    const unknown = { status: 401, body: 'Jwt issuer is not configured' };
    expect(await why(sendStep('s', '[200, 200]', other), unknown)).toBe(
      'status 401 instead of 200; iss of the token is me, and the policies are for you',
    );
    expect(await why(sendStep('s', '[200, 403]', both), 200)).toContain(
      'status 200 instead of 403; AuthorizationPolicy foo/require',
    );
  });

  test('is said of keys that cannot be fetched, by the proxies that decide', async () => {
    const fetched = applyAuthentication.replace(
      'jwks: "${issuers.sample.jwks}"',
      'jwksUri: "http://keys/jwks"',
    );
    const step = sendStep('s', '[200, 200]', fetched);
    expect(await why(step, { status: 401, body: 'Jwks remote fetch is failed' })).toContain(
      'http://keys/jwks',
    );
  });

  test('is not said where a class of codes is expected, of which it is not known which one is meant', async () => {
    expect(await why(cell('4xx'), 200)).toBe('status 200 instead of 4xx');
    expect(await why(cell('401'), 200)).toContain('no RequestAuthentication selects');
  });

  test('depends on the version of Envoy', async () => {
    const policy = `    apply:
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: role, namespace: foo }
        spec: { action: DENY, rules: [{ when: [{ key: "request.headers[x-role]", values: [admin] }] }] }
`;
    const step = sendStep('s', '[403, 403]', policy).replace(
      'request: { ',
      'request: { headers: { x-role: user, X-Role: admin }, ',
    );
    expect(await why(step, 200, '1.36.0')).toContain('AuthorizationPolicy foo/role');
    expect(await why(step, 200, '1.38.0')).toBe('status 200 instead of 403');
  });

  test('is not that a policy for the application holds for no gateway', async () => {
    const route = `      - apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: { name: edge, namespace: foo }
        spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }
      - apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: { name: edge, namespace: foo }
        spec: { hosts: ["*"], gateways: [edge], http: [{ route: [{ destination: { host: httpbin } }] }] }
`;
    const step = ingress.replace('    through', `${applyAuthentication}${route}    through`);
    const message = await why(step, { status: 401, body: 'Jwt is expired' });
    expect(message).toContain('status 401 instead of 200');
    expect(message).not.toContain('selects none');
  });

  test('depends on the address of the gateway, through it', async () => {
    const policy = `    apply:
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: host, namespace: istio-system }
        spec: { selector: { matchLabels: { istio: ingressgateway } }, action: DENY, rules: [{ to: [{ operation: { hosts: ["127.0.0.1:31080"] } }] }] }
`;
    const step = ingress.replace('    through', `${policy}    through`);
    expect(await why(step, denied)).toContain('AuthorizationPolicy istio-system/host');
  });

  test('is not said without a survey, as nobody knows which policies there are', async () => {
    const { results } = await checked(cell('401'), answering(denied), { isSurveyed: false });
    expect(results[0]?.message).toBe('status 403 instead of 401');
  });
});
