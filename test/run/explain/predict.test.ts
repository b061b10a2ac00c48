/** What the model says about each request of a scenario, and whether that is what the scenario expects. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { worldOf } from '../../../src/explain/world.ts';
import { plan } from '../../../src/plan/plan.ts';
import type { PlannedScenario } from '../../../src/plan/types.ts';
import { loadVersions } from '../../../src/programs/versions.ts';
import { agrees } from '../../../src/run/explain/agrees.ts';
import type { Hop } from '../../../src/run/explain/hops.ts';
import { hopsFor, modelSteps, predict } from '../../../src/run/explain/predict.ts';
import { KeyRing } from '../../../src/run/keys/key-ring.ts';
import { imagesOf } from '../../../src/settings/typed.ts';
import { loadApp } from '../../../src/target/kubernetes/load-apps.ts';
import { scenarioOf } from '../../scenario/support.ts';
import { meshPod } from '../../support/mesh-pod.ts';
import { scenarioSource } from '../support.ts';

const images = imagesOf({}, loadVersions(join('kind', 'versions.yaml')));
const facts = { id: 'm', target: 'local', istio: '1.32.0', fetch: 'istiod', reason: 'a test' } as const;

function planned(steps: string): PlannedScenario {
  const source = scenarioSource('predicted', steps, 'keyServers: { outside: { serves: sample } }').replace(
    'tokens: {',
    `tokens: { wrong: { raw: wrong }, mine: { raw: "\${env.TOKEN}" },`,
  );
  const { scenarios } = plan([scenarioOf(source)], facts, new Map(), { canSwitchFetch: true });
  return scenarios[0]!;
}

const options = {
  keys: new KeyRing('test'),
  images,
  apps: (name: string) => loadApp(join('kind', 'apps'), name, images),
  world: worldOf,
};

const policies = (rule: string) => `    apply:
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: jwt, namespace: foo }
        spec: { jwtRules: [{ issuer: me, ${rule} }] }
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: require, namespace: foo }
        spec: { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }
`;
const inline = `jwks: "\${issuers.sample.jwks}"`;
const ask = (columns: string, cells: string, from = 'sleep.foo') => `    from: ${from}
    request: { url: "http://httpbin.foo:8000" }
    expect:
      columns: ${columns}
      /headers: ${cells}
`;

async function predicted(scenario: PlannedScenario) {
  const all = await predict(scenario, options);
  return all.map(({ step, check, expected, deciding, agrees }) => [
    `${step.name}, ${check.column}`,
    expected.code,
    deciding?.answer.status,
    agrees,
  ]);
}

describe('requests of a scenario', () => {
  test('are asked with what is in place at their step', async () => {
    const scenario = planned(
      `  - name: before\n${ask('[no token]', '[200]')}  - name: after\n${policies(inline)}${ask('[no token, valid, wrong]', '[200, 200, 403]')}`,
    );
    expect(await predicted(scenario)).toEqual([
      ['before, no token', 200, 200, true],
      ['after, no token', 200, 403, false],
      ['after, valid', 200, 200, true],
      ['after, wrong', 403, 401, false],
    ]);
  });

  test.each([
    ['an address', `jwksUri: "https://\${keyServers.outside.host}/jwks.json"`],
    ['an empty text', 'jwks: ""'],
    ['nothing', 'forwardOriginalToken: true'],
  ])('depend on keys that are not known where the rule has %s', async (_, rule) => {
    const scenario = planned(`  - name: s\n${policies(rule)}${ask('[no token, valid]', '[403, 200]')}`);
    expect(await predicted(scenario)).toEqual([
      ['s, no token', 403, 403, true],
      ['s, valid', 200, undefined, undefined],
    ]);
  });

  test('are left out when they are skipped, or have a token that somebody else makes', async () => {
    const scenario = planned(
      `  - name: s\n${policies(inline)}${ask('[no token, valid, mine]', '[403, 200, 200]')}`,
    );
    const [step] = scenario.steps;
    const checks = step!.checks.map((check) =>
      check.column === 'no token' ? { ...check, skip: 'why' } : check,
    );
    expect(await predicted({ ...scenario, steps: [{ ...step!, checks }] })).toEqual([
      ['s, valid', 200, 200, true],
    ]);
  });

  test('come from steps that send any, whose other checks are left out', async () => {
    const scenario = planned(
      `  - name: silent\n${policies(inline)}  - name: asks\n${ask('[no token]', '[403]')}    fetched: { from: outside, by: nobody }\n`,
    );
    const steps = await modelSteps(scenario, options);
    expect(steps.map(({ step }) => step.name)).toEqual(['asks']);
    const [{ applied, asked, keys, base } = steps[0]!] = steps;
    expect(applied.map(({ object }) => object.metadata.name)).toEqual(['jwt', 'require']);
    expect(asked.map(({ request }) => request)).toEqual([
      { id: 'predicted', method: 'GET', url: 'http://httpbin.foo:8000/headers', headers: [] },
    ]);
    expect(JSON.parse(keys.get('sample') ?? '')).toMatchObject({ keys: [{ kty: 'EC' }] });
    expect(base.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)).toEqual([
      'httpbin',
      'sleep',
    ]);
    expect(asked.map(({ origin }) => origin)).toEqual([{ kind: 'pod', app: 'sleep', namespace: 'foo' }]);
  });

  test('may name what a run has of key servers and the CA', async () => {
    const rule = `jwksUri: "https://\${keyServers.outside.host}/\${keyServers.outside.ip}/\${ca.pem}"`;
    const [step] = await modelSteps(
      planned(`  - name: s\n${policies(rule)}${ask('[no token]', '[403]')}`),
      options,
    );
    expect(step?.applied[0]?.object.spec).toMatchObject({
      jwtRules: [{ jwksUri: 'https://outside.external.test/192.0.2.1/' }],
    });
  });
});

test('a request from outside goes through the gateway, and its client has a private address', () => {
  const request = { id: '', method: 'GET', url: '/', headers: [] };
  const inGateway = (rules: object[]) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'all', namespace: 'istio-system' },
    spec: { action: 'DENY', rules },
  });
  const ask = (...objects: Parameters<typeof worldOf>[0]) =>
    hopsFor({ kind: 'ingress' }, request, worldOf(objects), () => 'Ok').at(-1)?.answer;
  expect(ask(inGateway([{ to: [{ operation: { hosts: ['127.0.0.1'] } }] }]))?.status).toBe(403);
  expect(ask(inGateway([{ from: [{ source: { remoteIpBlocks: ['203.0.113.9'] } }] }]))?.status).toBe(200);
  // What filters of others do to it, nobody knows.
  expect(ask({ ...inGateway([]), kind: 'EnvoyFilter' })?.status).toBeUndefined();
});

describe('whether a mesh could answer as expected', () => {
  const hop = (answer: Partial<Hop['answer']>, proxy: 'sidecar' | 'gateway' = 'sidecar'): Hop => ({
    pod: meshPod('httpbin', { proxy }),
    answer: { status: 200, unknown: [], headers: [], path: '/', tokens: [], policies: [], ...answer },
    notes: [],
  });
  type Expected = Parameters<typeof agrees>[0];
  const realm = 'Bearer realm="http://httpbin.foo/"';
  const refused = { status: 401, body: 'Jwt is expired', wwwAuthenticate: realm } as const;

  test.each<[string, Expected, Hop | undefined, boolean | undefined]>([
    ['is not known without a proxy', { code: 200 }, undefined, undefined],
    ['is not known where its answer is not', { code: 200 }, hop({ status: undefined }), undefined],
    ['what passes may be any answer of the application', { code: 404 }, hop({}), true],
    ['what passes is not denied', { code: 403 }, hop({}), false],
    ['what passes is not without a good token', { code: 401 }, hop({}), false],
    ['what passes may be 4xx of the application', { code: '4xx' }, hop({}), undefined],
    ['what passes may be 2xx of the application', { code: '2xx' }, hop({}), true],
    ['a code', { code: 401 }, hop(refused), true],
    ['another code', { code: 403 }, hop(refused), false],
    ['a class of codes', { code: '4xx' }, hop(refused), true],
    ['the body', { code: 401, body: ' Jwt is expired\n' }, hop(refused), true],
    ['another body', { code: 401, body: 'Jwt is' }, hop(refused), false],
    ['no body', { code: 403, body: '' }, hop({ status: 403 }), true],
    ['a part of the body', { code: 401, body: { contains: 'expired' } }, hop(refused), true],
    ['no part of the body', { code: 401, body: { contains: 'missing' } }, hop(refused), false],
    ['keys, which no proxy answers', { code: 401, body: { jwks: 'sample' } }, hop(refused), false],
    ['the realm', { code: 401, headers: { 'x-other': 'a', 'WWW-Authenticate': realm } }, hop(refused), true],
    ['another realm', { code: 401, headers: { 'www-authenticate': 'Bearer' } }, hop(refused), false],
    [
      'the realm where there is none',
      { code: 403, headers: { 'www-authenticate': realm } },
      hop({ status: 403 }),
      false,
    ],
    ['other headers', { code: 403, headers: { 'x-other': 'a' } }, hop({ status: 403 }), true],
    [
      'the realm of a gateway',
      { code: 401, headers: { 'www-authenticate': 'Bearer' } },
      hop(refused, 'gateway'),
      true,
    ],
    [
      'the realm of a gateway where there is none',
      { code: 403, headers: { 'www-authenticate': 'Bearer' } },
      hop({ status: 403 }, 'gateway'),
      false,
    ],
  ])('%s', (_, expected, deciding, wanted) => {
    expect(agrees(expected, deciding)).toBe(wanted);
  });
});
