/** First scenarios from policies of several kinds: what is written is compared with what was read over and run. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { initCommand } from '../../../src/cli/commands/init.ts';
import { strictLintCommand } from '../../../src/cli/models/lint-strict.ts';
import { typedCommand } from '../../../src/cli/support/io.ts';
import { readFolder } from '../../../src/init/read-folder.ts';
import type { Values } from '../../../src/settings/settings.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import { initCases, initFolder } from '../../support/init-folders.ts';

/** In a folder that has the cases in it: what is written names their files. */
function folderOfCases(): string {
  const cwd = temporaryFolder();
  cpSync(initFolder, cwd, { recursive: true });
  return cwd;
}

async function init(values: Values, cwd = folderOfCases()) {
  const { io, stdout, stderr } = recorder();
  const code = await initCommand(values, { ...io, env: {}, cwd });
  const file = join(cwd, 'my-scenarios', 'first.yaml');
  return { code, text: readFileSync(file, 'utf8'), said: stdout(), warnings: stderr(), file, cwd };
}

describe('out of a folder', () => {
  test.each(initCases)('%s', async (name) => {
    const { code, text, said, file, cwd } = await init({ from: name });
    expect(code).toBe(0);
    await expect(text).toMatchFileSnapshot(`../../golden/cli/init-${name}.yaml`);
    await expect(said).toMatchFileSnapshot(`../../golden/cli/init-${name}.txt`);
    const { io, stdout } = recorder();
    expect(await strictLintCommand([file], { cwd }, io), stdout()).toBe(0);
  });

  test('the file is where it is looked for when nothing else is said, and is never replaced by itself', async () => {
    const cwd = temporaryFolder();
    const policies = readFileSync(join(initFolder, 'shop', 'policies.yaml'), 'utf8');
    writeFileSync(join(cwd, 'policies.yaml'), policies);
    const values = { from: 'policies.yaml' };
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

  const refused = async (values: Values, cwd = folderOfCases()) => {
    const error = await init(values, cwd).catch((thrown) => thrown);
    expect(existsSync(join(cwd, 'my-scenarios'))).toBe(false);
    return error;
  };

  test('commands to type next are spelled as here, and take a name with a blank', async () => {
    const cwd = folderOfCases();
    const { io, stdout } = recorder();
    await initCommand({ from: 'shop', output: 'my tests/first.yaml' }, { ...io, env: {}, cwd });
    expect(stdout()).toContain(`\n  ${typedCommand} run 'my tests/first.yaml'\n`);
    expect(readFileSync(join(cwd, 'my tests', 'first.yaml'), 'utf8')).toContain(
      "#   jwt-e2e run 'my tests/first.yaml'\n",
    );
  });

  test('one namespace of several', async () => {
    const { text } = await init({ from: '.', namespace: 'shop' });
    // What is for the whole mesh is for this namespace, too; what is for gateways of others is not.
    expect(text).toMatch(/files: \.\.\/wide\/policies\.yaml\n +kinds: \[RequestAuthentication\]/);
    expect(text).not.toContain('name: ingress-jwt');
    expect(text).toContain('istio-system/ingress-jwt: it is for a gateway of another namespace');
    expect(text).not.toContain('namespace: pay');
  });

  test('nothing there: what was looked for, where, and what there is', async () => {
    expect(await refused({ from: 'shop', namespace: 'pay' })).toMatchObject({
      message:
        'there is no RequestAuthentication or AuthorizationPolicy of security.istio.io in namespace pay of shop',
      hint: 'Those that are there are of namespace shop; one that says no namespace counts for default.',
    });
    const cwd = temporaryFolder();
    expect(await refused({ from: '.' }, cwd)).toMatchObject({
      hint: expect.stringContaining('It has no Kubernetes objects at all'),
    });
    const custom =
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: a }\nspec: { action: CUSTOM, provider: { name: opa }, rules: [{}] }\n';
    writeFileSync(join(cwd, 'custom.yaml'), custom);
    expect(await refused({ from: '.' }, cwd)).toMatchObject({
      message: 'no policy in . can be carried over into a scenario',
      details: expect.stringContaining(
        'AuthorizationPolicy default/a: action CUSTOM asks an authorization server',
      ),
    });
  });

  test('more than a scenario can have', async () => {
    const cwd = temporaryFolder();
    const values = Array.from({ length: 6000 }, (_, index) => `u${index}`);
    const policy = (namespace: string) =>
      `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: a, namespace: ${namespace} }\nspec: { rules: [{ when: [{ key: source.namespace, values: [${values}] }] }] }\n`;
    writeFileSync(join(cwd, 'all.yaml'), `${policy('shop')}---\n${policy('pay')}`);
    expect(await refused({ from: 'all.yaml' }, cwd)).toMatchObject({
      code: 'E_USAGE',
      message:
        'a scenario for the 2 policies in all.yaml would be larger than any may be: more than 10000 keys and list entries',
      hint: 'Write several: choose one namespace with --namespace (shop, pay), or a part of the files with --from FILE.',
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

  test('the same checks as out of a folder, of copies, and only by reading', async () => {
    const fromFolder = await init({ from: 'wide' });
    const { code, text, said } = await init({ kubeconfig: api.kubeconfig });
    expect(code).toBe(0);
    const checks = ({ text: written }: { readonly text: string }) =>
      (parse(written) as { steps: { apply?: unknown }[] }).steps.map(({ apply: _, ...checked }) => checked);
    expect(checks({ text })).toEqual(checks(fromFolder));
    expect(fromFolder.text).toContain('- files: ../wide/policies.yaml');
    expect(text).not.toContain('files:');
    expect(said).toContain('Copied into it:\n  all: they are in a cluster, and not in files\n');
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

  describe('as it is (--live)', () => {
    beforeEach(() => {
      const container = (name: string) => ({ name, image: name });
      for (const [name, namespace] of [
        ['ledger', 'pay'],
        ['curl', 'pay'],
      ] as const)
        api.put({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `${name}-1`, namespace, labels: { app: name } },
          spec: { containers: [container(name), container('istio-proxy')] },
          status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
        } as KubeObject);
      api.put({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'ledger', namespace: 'pay' },
        spec: { selector: { app: 'ledger' }, ports: [{ name: 'http', port: 80 }] },
      });
    });

    test('a live scenario, and only by reading', async () => {
      const { code, text, said } = await init({ kubeconfig: api.kubeconfig, live: true, namespace: 'pay' });
      expect(code).toBe(0);
      expect(text).toMatch(/^live: true$/m);
      expect(text).toContain('from: curl.pay\n    request: { url: http://ledger.pay }');
      expect(text).not.toMatch(/^ +apply:|^apps:/m);
      expect(said).toContain(`run my-scenarios/first.yaml --live --kubeconfig ${api.kubeconfig}\n`);
      expect(new Set(api.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
      await expect.poll(() => api.connections).toBe(0);
    });

    test('not of files', async () => {
      await expect(init({ from: 'wide', live: true })).rejects.toMatchObject({
        code: 'E_USAGE',
        message: '--live reads a mesh as it is, and --from files',
      });
    });
  });

  test('without Istio', async () => {
    for (const version of ['v1', 'v1beta1']) api.resources.delete(`security.istio.io/${version}`);
    await expect(init({ kubeconfig: api.kubeconfig })).rejects.toMatchObject({ code: 'E_ISTIO' });
  });
});
