/** An existing cluster: a server that answers like one, with one fault at a time. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { cluster } from '../../../src/cli/doctor/cluster-probes.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { permissionsOf } from '../../../src/cli/doctor/permissions.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import { around } from './support.ts';

let api: FakeApi;
beforeAll(async () => {
  api = await FakeApi.start();
});
afterAll(() => api.stop());
beforeEach(() => api.reset());

interface Attributes {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
}

/** Answers SelfSubjectAccessReviews as a cluster does that forbids these things. */
function forbid(isForbidden: (attributes: Attributes) => boolean = () => false): Attributes[] {
  const asked: Attributes[] = [];
  api.rule('POST', /\/selfsubjectaccessreviews$/, ({ body }) => {
    const { spec } = body as { spec: { resourceAttributes: Attributes } };
    asked.push(spec.resourceAttributes);
    return { status: 201, body: { status: { allowed: !isForbidden(spec.resourceAttributes) } } };
  });
  return asked;
}

function installIstio(): void {
  api.put({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'istiod', namespace: 'istio-system', labels: { app: 'istiod' } },
    spec: { template: { spec: { containers: [{ name: 'discovery', image: 'istio/pilot:1.30.5' }] } } },
  });
}

const look = async (more = {}): Promise<Finding[]> =>
  cluster(around({ kubeconfig: api.kubeconfig, ...more }));
const named = (findings: readonly Finding[], name: string) => findings.find((each) => each.name === name);

describe('permissions', () => {
  beforeEach(installIstio);

  test('everything in the roles of docs/rbac is asked for, and nothing else', async () => {
    const asked = forbid();
    const findings = await look();
    const roles = ['data-plane', 'mesh'].flatMap((name) =>
      permissionsOf(readFileSync(`docs/rbac/${name}.yaml`, 'utf8')),
    );
    const wanted = roles.map(({ group, resource, verb }) => `${verb} ${resource} ${group}`);
    const seen = asked.map(
      ({ verb, resource, subresource, group }) =>
        `${verb} ${[resource, subresource ?? []].flat().join('/')} ${group}`,
    );
    expect(seen.sort()).toEqual(wanted.sort());
    expect(wanted).toEqual(
      expect.arrayContaining(['create pods/exec ', 'list gateways networking.istio.io']),
    );
    expect(named(findings, 'role of mesh.yaml')).toMatchObject({
      state: 'ok',
      text: 'context fake may do all 32 things in it',
    });
    // Nothing but questions.
    expect(api.log('POST').every((line) => line.endsWith('/selfsubjectaccessreviews'))).toBe(true);
    expect(api.log('PATCH', 'PUT', 'DELETE')).toEqual([]);
  });

  test('that are missing are named, with the command that gives them', async () => {
    forbid(
      ({ resource, subresource, verb, group }) =>
        subresource === 'exec' || (resource === 'deployments' && verb !== 'get' && group === 'apps'),
    );
    expect(named(await look(), 'role of data-plane.yaml')).toEqual({
      name: 'role of data-plane.yaml',
      state: 'broken',
      text: 'context fake may not list, create, patch, delete deployments.apps; get, create pods/exec',
      remedy:
        'Let an administrator do this: kubectl apply -f docs/rbac/data-plane.yaml, and bind it to the user: see docs/cluster-rbac.md.',
    });
  });

  test('that a run does without are a warning', async () => {
    forbid(({ resource }) => resource === 'nodes');
    expect(named(await look(), 'role of data-plane.yaml')).toMatchObject({
      state: 'warning',
      text: 'context fake may not list nodes',
    });
  });

  test('that cannot be asked for are a warning', async () => {
    api.rule('POST', /selfsubjectaccessreviews/, failure(403, 'Forbidden', 'no questions'));
    expect(named(await look(), 'role of mesh.yaml')).toMatchObject({
      state: 'warning',
      text: 'what context fake may do cannot be asked: no questions',
    });
  });

  test('of the mesh are asked of the mesh', async () => {
    const other = await FakeApi.start();
    onTestFinished(() => other.stop());
    other.rule('POST', /selfsubjectaccessreviews/, { status: 201, body: { status: { allowed: true } } });
    const asked = forbid();
    const findings = await look({ 'mesh-kubeconfig': other.kubeconfig });
    expect(asked.every(({ group }) => !group.endsWith('.istio.io'))).toBe(true);
    expect(findings.filter(({ name }) => name === 'context fake')).toHaveLength(2);
    expect(other.log('POST').length).toBe(32);
  });
});

describe('the API server', () => {
  beforeEach(() => {
    installIstio();
    forbid();
  });

  test('answers', async () => {
    const findings = await look();
    expect(findings.filter(({ state }) => state === 'broken')).toEqual([]);
    expect(named(findings, 'context fake')).toMatchObject({ state: 'ok', version: 'v1.34.4' });
    expect(named(findings, 'Istio')).toMatchObject({ state: 'ok', version: '1.30.5' });
    expect(named(findings, 'clock')).toMatchObject({ state: 'ok' });
    expect(named(findings, 'ingress gateway')).toEqual({
      name: 'ingress gateway',
      state: 'warning',
      text: 'there is no Service istio-system/istio-ingressgateway; scenarios that go through it are skipped',
      remedy: 'Say where it is when you run: --ingress URL',
    });
    await expect.poll(() => api.connections).toBe(0);
  });

  test.each([
    ['hangs', 'hang', /took longer than 5 s/],
    ['breaks the connection', 'reset', /does not answer/],
    ['does not know the user', failure(401, 'Unauthorized', 'Unauthorized'), /Unauthorized/],
  ] as const)('%s', { timeout: 15_000 }, async (_, answer, text) => {
    api.rule('GET', /^\/version$/, answer);
    const [finding, ...others] = await look();
    expect(finding).toMatchObject({ name: 'context fake', state: 'broken', remedy: expect.any(String) });
    expect(finding?.text).toMatch(text);
    expect(others).toEqual([]);
  });

  test.each([
    [-90, 'warning', 'this machine is 90 s ahead of context fake'],
    [4000, 'warning', 'this machine is 4000 s behind context fake'],
    [20, 'ok', 'the same here and there'],
  ])('has a clock that differs by %d s', async (seconds, state, text) => {
    const now = Date.now;
    const date = () => new Date(now() + seconds * 1000 + 500).toUTCString();
    api.rule('GET', /^\/version$/, () => ({ status: 200, body: {}, headers: { date: date() } }));
    const finding = named(await look(), 'clock');
    expect(finding?.state).toBe(state);
    // The header has no fractions of a second.
    expect(finding?.text.replace(/\b(89|91)\b/, '90').replace(/\b(3999|4001)\b/, '4000')).toContain(text);
  });

  test('has no Istio', async () => {
    for (const version of ['v1', 'v1beta1']) api.resources.delete(`security.istio.io/${version}`);
    expect(named(await look(), 'Istio')).toMatchObject({
      state: 'broken',
      text: expect.stringContaining('there is no Istio'),
      remedy: expect.stringContaining('--mesh-context'),
    });
  });

  test('has an istiod that cannot be seen, which the gateway may make up for', async () => {
    api.remove('apps/v1', 'Deployment', 'istiod', 'istio-system');
    expect(named(await look(), 'Istio')).toMatchObject({ state: 'warning' });
    expect(named(await look({ istio: '1.29.9' }), 'Istio')).toMatchObject({ state: 'ok', version: '1.29.9' });
  });
});

test('settings that name no context there is', async () => {
  await expect(look({ context: 'nope' })).rejects.toMatchObject({
    message: 'kubeconfig has no context "nope"',
    hint: 'It has: fake, other.',
  });
});

test('a role that is no role is a mistake of the product', () => {
  expect(() => permissionsOf('kind: ClusterRole')).toThrow(expect.objectContaining({ code: 'E_INTERNAL' }));
});
