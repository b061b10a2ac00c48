/** `run --dry-run`, and `down` on a cluster of others. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { downCommand } from '../../../../src/cli/commands/down/down.ts';
import { runCommand } from '../../../../src/cli/commands/run/run-command.ts';
import { upCommand } from '../../../../src/cli/commands/up.ts';
import type { Values } from '../../../../src/settings/settings.ts';
import { FakeApi, failure } from '../../../support/fake-api.ts';

let api: FakeApi;
let folder: string;
let written: string;
beforeAll(async () => {
  api = await FakeApi.start();
});
beforeEach(() => {
  api.reset();
  api.realistic = true;
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } });
  const containers = [{ name: 'discovery', image: 'docker.io/istio/pilot:1.31.1' }];
  api.put({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'istiod', namespace: 'istio-system', labels: { app: 'istiod' } },
    spec: { template: { spec: { containers } } },
  });
  folder = mkdtempSync(join(tmpdir(), 'dry-run-'));
  written = '';
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(async () => {
  await api.stop();
});

function io() {
  const stream = () => new PassThrough().on('data', (chunk: Buffer) => (written += chunk.toString('utf8')));
  return { stdout: stream(), stderr: stream(), env: {}, cwd: folder };
}

const documented = ['require-jwt', 'bookinfo-exclusion', 'jwks-external-https'].map(
  (name) => new URL(`../../../../scenarios/documented/${name}.yaml`, import.meta.url).pathname,
);

/** The lines below a heading. */
function part(heading: string | RegExp): string[] {
  const lines = written.split('\n');
  const from = lines.findIndex((line) =>
    typeof heading === 'string' ? line === heading : heading.test(line),
  );
  if (from === -1) throw new Error(`there is no "${heading}" in:\n${written}`);
  const rest = lines.slice(from + 1);
  return rest.slice(0, rest.indexOf('')).map((line) => line.trim());
}

async function dryRun(values: Values, exitCode = 0): Promise<void> {
  expect(await runCommand(documented, { 'dry-run': true, ...values }, io())).toBe(exitCode);
}

describe('on a cluster', () => {
  const cluster = (more: Values = {}): Values => ({
    target: 'cluster',
    kubeconfig: api.kubeconfig,
    ingress: 'http://192.0.2.1',
    ...more,
  });

  test('says everything, and changes nothing', async () => {
    await dryRun(cluster(), 2);
    expect(written).toMatch(/\n\nThe run would be refused: it touches what is not its own\. .*\n$/);
    expect(written).toMatch(
      /^Nothing is done\. A run would do this:\nIstio 1\.31\.1 on cluster \(Kubernetes v1\.34\.4, keys fetched by istiod\)\n/,
    );
    expect(part('Namespaces of its own in fake')).toEqual([
      'create Namespace bookinfo',
      'create Namespace foo',
      // The key servers that stand outside the mesh.
      'create Namespace jwt-e2e-keys',
    ]);
    expect(part('In them')).toEqual(
      expect.arrayContaining([
        'create Deployment foo/httpbin',
        'create Gateway bookinfo/bookinfo-gateway',
        'create AuthorizationPolicy foo/require-jwt',
      ]),
    );
    expect(part('Not its own: the run would be refused (E_NOT_OWNED) unless --yes allows it')).toEqual([
      'create RequestAuthentication istio-system/jwt-example',
      'create AuthorizationPolicy istio-system/test-exclude',
      // The proof that the gateway has them.
      'create AuthorizationPolicy istio-system/jwt-e2e-marker',
    ]);
    const scenarios = part('Scenarios');
    expect(scenarios).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^run require-jwt: \d+ checks$/),
        expect.stringMatching(
          /^skip jwks-external-https@envoy: needs fetch mode envoy; this mesh has istiod, and the target cluster /,
        ),
      ]),
    );
    expect(part('At the end')).toEqual([
      'undo what scenarios have applied, after each of them',
      'delete Namespace bookinfo with everything in it',
      'delete Namespace foo with everything in it',
      'delete Namespace jwt-e2e-keys with everything in it',
      'delete RequestAuthentication istio-system/jwt-example',
      'delete AuthorizationPolicy istio-system/test-exclude',
      'delete AuthorizationPolicy istio-system/jwt-e2e-marker',
    ]);
    const real = api.requests.filter(({ method, query }) => method !== 'GET' && query.dryRun !== 'All');
    expect(real).toEqual([]);
  });

  test('asks the API server with the keys of a run, and shows what it refuses and warns of', async () => {
    api.rule('PATCH', /jwt-example$/, ({ body }) => {
      expect(JSON.stringify(body)).toMatch(/"jwks":"\{\\"keys\\":/);
      return failure(400, 'BadRequest', 'no such field');
    });
    api.rule('PATCH', /test-exclude$/, ({ body }) => ({
      status: 201,
      body,
      headers: { warning: '299 - "mind the gap"' },
    }));
    await dryRun(cluster({ yes: true }), 2);
    expect(written).toMatch(
      /\n\nThe API server would refuse RequestAuthentication istio-system\/jwt-example: the reasons stand above\. /,
    );
    expect(part('Not its own, allowed by --yes')).toEqual([
      'apply RequestAuthentication istio-system/jwt-example (RequestAuthentication istio-system/jwt-example was refused: no such field)',
      'create AuthorizationPolicy istio-system/test-exclude (warning: mind the gap)',
      'create AuthorizationPolicy istio-system/jwt-e2e-marker',
    ]);
  });

  test('tells what is there already from what is new', async () => {
    const labels = { 'app.kubernetes.io/managed-by': 'istio-jwt-e2e' };
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo', labels } });
    api.put({
      apiVersion: 'security.istio.io/v1',
      kind: 'RequestAuthentication',
      metadata: { name: 'jwt-example', namespace: 'istio-system' },
      spec: {},
    });
    await dryRun(cluster(), 2);
    expect(part('First, what an earlier run has left')).toEqual([
      'delete Namespace foo with everything in it',
    ]);
    expect(part('Not its own: the run would be refused (E_NOT_OWNED) unless --yes allows it')[0]).toBe(
      'change RequestAuthentication istio-system/jwt-example',
    );
    expect(part('At the end')).toContain('put back RequestAuthentication istio-system/jwt-example');
    written = '';
    await dryRun(cluster({ reuse: true, keep: true }), 2);
    expect(part('Namespaces of its own in fake')).toEqual([
      'create Namespace bookinfo',
      'create Namespace jwt-e2e-keys',
      'use Namespace foo, which an earlier run has kept',
    ]);
    expect(part('At the end')).toContain('keep Namespace bookinfo with its applications');
  });

  test('without an address of the gateway says what that costs', async () => {
    await dryRun(cluster({ ingress: undefined }));
    expect(part('Scenarios')).toContain(
      'skip bookinfo-exclusion: there is no Service istio-system/istio-ingressgateway: set --ingress URL',
    );
    expect(written).not.toContain('istio-system/jwt-example');
  });

  test('needs to be told which cluster', async () => {
    await expect(runCommand(documented, { 'dry-run': true, target: 'cluster' }, io())).rejects.toThrow(
      expect.objectContaining({ code: 'E_USAGE', hint: expect.stringContaining('--context NAME') }),
    );
  });

  test.each(['example.com', 'ftp://example.com', 'http://example.com/path'])(
    'does not take %s for an address of the gateway',
    async (ingress) => {
      await expect(runCommand(documented, cluster({ 'dry-run': true, ingress }), io())).rejects.toThrow(
        expect.objectContaining({ code: 'E_USAGE' }),
      );
    },
  );

  test('is what --target auto takes when a cluster is named', async () => {
    await dryRun({ context: 'other', kubeconfig: api.kubeconfig });
    expect(written).toContain('\ncluster: --target auto: --context names a cluster\ncontext: other\n');
  });
});

test('on kind: says which cluster it would make, without running a program', async () => {
  const nothing = join(folder, 'no-such-program');
  await dryRun({
    target: 'kind',
    docker: nothing,
    kind: nothing,
    istioctl: nothing,
    name: 'mine',
    istio: '1.30.5',
  });
  expect(part('Mesh')).toEqual([
    expect.stringMatching(/^create kind cluster "mine" from kindest\/node:v1\.36\.4@sha256:/),
    'install Istio 1.30.5 from docker.io/istio',
    'restart istiod for scenarios in fetch mode envoy',
  ]);
  expect(part(/^Images/)).toEqual(
    expect.arrayContaining(['docker.io/istio/pilot:1.30.5', 'docker.io/mccutchen/go-httpbin:v2.15.0']),
  );
  expect(part('Applications')).toEqual(['start bookinfo', 'start httpbin', 'start sleep']);
  expect(part('Scenarios')).toHaveLength(4);
  expect(written).toContain('Istio 1.30.5 on kind (Kubernetes v1.36.4, keys fetched by istiod)\n');
  expect(part('At the end')).toEqual(['delete kind cluster "mine", if this run has created it']);
});

describe('down', () => {
  test('removes what is left on a cluster, and says what', async () => {
    const labels = { 'app.kubernetes.io/managed-by': 'istio-jwt-e2e' };
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo', labels } });
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'theirs' } });
    expect(await downCommand({ context: 'fake', kubeconfig: api.kubeconfig }, io())).toBe(0);
    expect(written).toBe('deleted Namespace foo\n');
    expect(api.get('v1', 'Namespace', 'foo')).toBeUndefined();
    expect(api.get('v1', 'Namespace', 'theirs')).toBeDefined();
  });

  test('says when there is nothing', async () => {
    expect(await downCommand({ target: 'cluster', kubeconfig: api.kubeconfig }, io())).toBe(0);
    expect(written).toBe('there is nothing of istio-jwt-e2e on this cluster\n');
  });
});

test('there is nothing to set up on a cluster that has its mesh', async () => {
  await expect(upCommand({ target: 'cluster' }, io())).rejects.toThrow(
    expect.objectContaining({ code: 'E_USAGE', hint: expect.stringContaining('--dry-run') }),
  );
});
