/** What policies answer, from files alone: to a curl line, and to the checks of scenarios. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { explainCommand } from '../../../src/cli/commands/explain-command.ts';
import { strictLintCommand } from '../../../src/cli/models/lint-strict.ts';
import type { Values } from '../../../src/settings/settings.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let cwd: string;

beforeEach(() => {
  cwd = temporaryFolder();
  mkdirSync(join(cwd, 'policies'));
  mkdirSync(join(cwd, 'empty'));
  writeFileSync(
    join(cwd, 'policies/all.yaml'),
    `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: shop }
spec: { jwtRules: [{ issuer: "https://login.example.com", jwksUri: "https://login.example.com/keys" }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: admins, namespace: shop }
spec: { rules: [{ when: [{ key: "request.auth.claims[role]", values: [admin] }] }] }
`,
  );
});

async function explain(words: string[], values: Values, folder = cwd) {
  const { io, stdout, stderr } = recorder();
  const env = { TOKEN: token({ iss: 'https://login.example.com', sub: 'a', role: 'user' }) };
  const code = await explainCommand(words, values, { ...io, env, cwd: folder });
  return { code, text: stdout(), warnings: stderr() };
}

const signature = 'c2lnbmF0dXJlLXRoYXQtbm9ib2R5LWlzLXRvLXNlZQ';
function token(claims: object): string {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encoded({ alg: 'RS256' })}.${encoded(claims)}.${signature}`;
}

const wrongScenario = `name: wrong
title: Nobody asks for a token
source: { document: a test, section: one }
apps: [httpbin, sleep]
steps:
  - name: no policy
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect: { columns: [/ip], no token: [403] }
`;

const line = 'curl -H "Authorization: Bearer $TOKEN" http://orders.shop/';

describe('a curl line', () => {
  test('the answer, what was taken for granted, and a line for each policy', async () => {
    const { code, text } = await explain([line], { from: 'policies', to: 'orders.shop' });
    expect(code).toBe(0);
    expect(text.split('\n')).toEqual([
      '403 RBAC: access denied: there are ALLOW policies, and no rule of them matches.',
      '',
      'Workload: namespace shop, app=orders; port not known. From a guess, because there is no Service shop/orders among the objects: its pods are taken to have the label app=orders.',
      'Taken for granted: the signature of the token is taken to be right: its keys are at https://login.example.com/keys, where nobody has looked.',
      '',
      'Policies, the nearest miss first:',
      '  RequestAuthentication shop/tokens: the token of https://login.example.com in header authorization, after "Bearer " is good',
      '  AuthorizationPolicy shop/admins (ALLOW, for every workload of namespace shop): rule 1 does not match: wants request.auth.claims[role] = admin; the request has user',
      '',
    ]);
  });

  test('as JSON, with every comparison, and without the signature', async () => {
    const { text } = await explain([line], { from: 'policies', to: 'orders.shop', json: true });
    const { answer } = JSON.parse(text) as { answer: { status: number; policies: object[] } };
    expect(answer.status).toBe(403);
    expect(answer.policies).toMatchObject([
      { name: 'admins', rules: [{ fields: [{ wants: ['admin'], has: 'user', matched: false }] }] },
    ]);
    expect(text).not.toContain(signature);
  });

  test.each<[string, string[], Values, string]>([
    ['nothing at all', [], {}, 'explain needs a request and the Service that it is sent to'],
    [
      'no Service',
      [line],
      { from: 'policies' },
      'explain needs a request and the Service that it is sent to',
    ],
    ['no policies', [line], { to: 'orders.shop' }, 'explain needs to be told where the policies are'],
    ['a place that is not there', [line], { from: 'polices', to: 'orders.shop' }, 'polices does not exist'],
    [
      'a folder without policies, by which everything would pass',
      [line],
      { from: 'empty', to: 'orders.shop' },
      'there is no RequestAuthentication or AuthorizationPolicy of security.istio.io in empty',
    ],
    ['no namespace', [line], { from: 'policies', to: 'orders' }, '--to orders is no Service of a namespace'],
  ])('%s is refused', async (_, words, values, message) => {
    await expect(explain(words, values)).rejects.toMatchObject({ code: 'E_USAGE', message });
  });
});

describe('scenario files', () => {
  const file = 'scenarios/documented/bookinfo-exclusion.yaml';

  test('a line for each check, and how many disagree', async () => {
    const { code, text } = await explain([file], { grep: 'authenticate at the gateway//productpage' }, root);
    expect(code).toBe(0);
    const name = 'bookinfo-exclusion/authenticate at the gateway//productpage';
    expect(text.split('\n')).toEqual([
      `= ${name}/no token: expected 200, the policies let it pass`,
      `= ${name}/valid: expected 200, the policies let it pass`,
      `= ${name}/invalid: expected 401, the policies say 401 Jwt verification fails`,
      '',
      '3 requests: 0 expected otherwise than the policies say, 0 not known',
      '',
    ]);
  });

  test('of one check everything, also when its expectation is wrong', async () => {
    const { text } = await explain([file], { grep: 'excluded path//api/v1/products/0/no token' }, root);
    expect(text).toContain(
      '  at istio-system/istio-ingressgateway: the policies say 403 RBAC: access denied\n',
    );
    expect(text).toContain('AuthorizationPolicy istio-system/test-exclude (DENY): rule 1 matches:');
  });

  test('an expectation that the policies contradict has a sign', async () => {
    writeFileSync(join(cwd, 'wrong.yaml'), wrongScenario);
    const { code, text } = await explain(['wrong.yaml'], {});
    expect(code).toBe(0);
    expect(text.split('\n')[0]).toBe(
      '≠ wrong/no policy/no token//ip: expected 403, the policies let it pass',
    );
    expect(text).toContain('  at foo/httpbin: the policies let it pass\n    no policy holds here\n');
    expect(text).toContain('1 request: 1 expected otherwise than the policies say, 0 not known');
  });

  test('lint --strict ends with 3 for it, and says where it stands and why', async () => {
    writeFileSync(join(cwd, 'wrong.yaml'), wrongScenario);
    const { io, stdout } = recorder();
    expect(await strictLintCommand(['wrong.yaml'], { cwd }, io)).toBe(3);
    const text = stdout();
    for (const part of ['wrong.yaml:9:42', 'expected 403, the policies let it pass', 'no policy holds here'])
      expect(text).toContain(part);
    const right = recorder();
    expect(await strictLintCommand([file], { cwd: root }, right.io)).toBe(0);
    expect(right.stdout()).toContain('21 expectations of 21 compared with the policies, no contradiction');
    const broken = recorder();
    writeFileSync(join(cwd, 'bad.yaml'), 'name: bad\n');
    expect(await strictLintCommand(['bad.yaml'], { cwd }, broken.io)).toBe(3);
    expect(broken.stdout()).not.toContain('compared');
  });

  test('that are not there are missed by name', async () => {
    const missing = await explain(['no-such.yaml'], { grep: 'valid' });
    expect(missing.code).toBe(2);
    expect(missing.text).toContain('no-such.yaml does not exist');
  });

  test('with mistakes end with 3, and a name that nothing has with 2', async () => {
    writeFileSync(join(cwd, 'bad.yaml'), 'name: bad\n');
    expect((await explain(['bad.yaml'], {})).code).toBe(3);
    await expect(explain([file], { grep: 'nothing like it' }, root)).rejects.toMatchObject({
      code: 'E_USAGE',
    });
  });
});
