/** First scenarios from policies of several kinds: what is written is compared with what was read over and run. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { initCommand } from '../../../src/cli/commands/init.ts';
import { strictLintCommand } from '../../../src/cli/models/lint-strict.ts';
import { readFolder } from '../../../src/init/read-folder.ts';
import type { Values } from '../../../src/settings/settings.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import { initCases, initFolder } from '../../support/init-folders.ts';

async function init(values: Values, cwd = initFolder) {
  const { io, stdout, stderr } = recorder();
  const output = join(temporaryFolder(), 'first.yaml');
  const code = await initCommand({ output, ...values }, { ...io, env: {}, cwd });
  const file = (values.output as string | undefined) ?? output;
  const written = readFileSync(file.startsWith('/') ? file : join(cwd, file), 'utf8');
  // Where it was written to is another place each time.
  const plain = (text: string) =>
    text.replaceAll(/(?:\.\.\/)*[^\s]*\/first\.yaml/g, 'my-scenarios/first.yaml');
  return { code, text: plain(written), said: plain(stdout()), warnings: stderr(), file };
}

describe('out of a folder', () => {
  test.each(initCases)('%s', async (name) => {
    const { code, text, said, file } = await init({ from: name });
    expect(code).toBe(0);
    await expect(text).toMatchFileSnapshot(`../../golden/cli/init-${name}.yaml`);
    await expect(said).toMatchFileSnapshot(`../../golden/cli/init-${name}.txt`);
    const { io, stdout } = recorder();
    expect(await strictLintCommand([file], { cwd: initFolder }, io), stdout()).toBe(0);
  });

  test('the file is where it is looked for when nothing else is said, and is never replaced by itself', async () => {
    const cwd = temporaryFolder();
    const policies = readFileSync(join(initFolder, 'shop', 'policies.yaml'), 'utf8');
    writeFileSync(join(cwd, 'policies.yaml'), policies);
    const values = { from: 'policies.yaml', output: undefined };
    const { io } = recorder();
    await initCommand(values, { ...io, env: {}, cwd });
    const file = join(cwd, 'my-scenarios', 'first.yaml');
    const first = readFileSync(file, 'utf8');
    expect(first).toContain('#   jwt-e2e run my-scenarios/first.yaml');
    writeFileSync(file, 'mine');
    await expect(initCommand(values, { ...io, env: {}, cwd })).rejects.toMatchObject({
      code: 'E_USAGE',
      message: 'my-scenarios/first.yaml is there already',
      hint: expect.stringContaining('--force'),
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    await initCommand({ ...values, force: true }, { ...io, env: {}, cwd });
    expect(readFileSync(file, 'utf8')).toBe(first);
  });

  const refused = async (values: Values, cwd = initFolder) => {
    const output = join(temporaryFolder(), 'first.yaml');
    const error = await init({ output, ...values }, cwd).catch((thrown) => thrown);
    expect(existsSync(output)).toBe(false);
    return error;
  };

  test('one namespace of several', async () => {
    const { text } = await init({ from: '.', namespace: 'shop' });
    // What is for the whole mesh is for this namespace, too; what is for gateways of others is not.
    expect(text).toContain('metadata: { name: jwt, namespace: istio-system }');
    expect(text).not.toContain('name: ingress-jwt');
    expect(text).toContain('istio-system/ingress-jwt: it is for a gateway of another namespace');
    expect(text).not.toContain('namespace: pay');
  });

  test('nothing there: what was looked for, where, and what there is', async () => {
    expect(await refused({ from: 'shop', namespace: 'pay' })).toMatchObject({
      message:
        'there is no RequestAuthentication or AuthorizationPolicy of security.istio.io in namespace pay of shop',
      hint: expect.stringContaining(
        'What is there: AuthorizationPolicy, Deployment, RequestAuthentication, Service.',
      ),
    });
    const cwd = temporaryFolder();
    expect(await refused({ from: '.' }, cwd)).toMatchObject({
      hint: expect.stringContaining('It has no Kubernetes objects at all'),
    });
    const custom =
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: a }\nspec: { action: CUSTOM }\n';
    writeFileSync(join(cwd, 'custom.yaml'), custom);
    expect(await refused({ from: '.' }, cwd)).toMatchObject({
      message: 'no policy in . can be carried over into a scenario',
      details: expect.stringContaining(
        'AuthorizationPolicy default/a: action CUSTOM asks an authorization server',
      ),
    });
  });

  test('nobody said where', async () => {
    expect(await refused({})).toMatchObject({
      code: 'E_USAGE',
      hint: expect.stringContaining('--from FOLDER'),
    });
  });
});

describe('out of a cluster', () => {
  let api: FakeApi;
  beforeAll(async () => {
    api = await FakeApi.start();
  });
  afterAll(() => api.stop());
  beforeEach(() => {
    api.reset();
    const listed = api.resources.get('apps/v1') ?? [];
    const more = ['StatefulSet', 'DaemonSet'].map((kind) => ({
      name: `${kind.toLowerCase()}s`,
      kind,
      namespaced: true,
    }));
    api.resources.set('apps/v1', [...listed, ...more]);
    for (const object of readFolder('wide', initFolder).objects)
      api.put(structuredClone(object) as KubeObject);
  });

  test('the same as out of a folder, and only by reading', async () => {
    const fromFolder = await init({ from: 'wide' });
    const { code, text } = await init({ kubeconfig: api.kubeconfig });
    expect(code).toBe(0);
    expect(text.replaceAll('context fake', 'wide')).toBe(fromFolder.text);
    expect(new Set(api.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    await expect.poll(() => api.connections).toBe(0);
  });

  test('one namespace, by a user who may see no other and no workloads', async () => {
    api.rule('GET', /^\/apis\/apps\/v1\/namespaces\//, failure(403, 'Forbidden', 'forbidden'));
    api.rule('GET', /^\/apis\/security.istio.io\/v1\/\w+$/, failure(403, 'Forbidden', 'not everywhere'));
    const { text } = await init({ kubeconfig: api.kubeconfig, namespace: 'pay' });
    expect(text).toContain('{ name: ledger, namespace: pay }');
    await expect(init({ kubeconfig: api.kubeconfig })).rejects.toMatchObject({
      code: 'E_KUBE',
      message: 'not everywhere',
      hint: expect.stringContaining('--namespace NAME'),
    });
  });

  test('what a run of this tool has put there is nobody’s policy', async () => {
    const labels = { 'app.kubernetes.io/managed-by': 'istio-jwt-e2e' };
    const metadata = { name: 'left', namespace: 'foo', labels };
    api.put({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec: {} });
    expect((await init({ kubeconfig: api.kubeconfig })).text).not.toContain('foo/left');
  });

  test('without Istio', async () => {
    for (const version of ['v1', 'v1beta1']) api.resources.delete(`security.istio.io/${version}`);
    await expect(init({ kubeconfig: api.kubeconfig })).rejects.toMatchObject({ code: 'E_ISTIO' });
  });
});
