/** Policies that stay in their files, and tokens of a real authorization server, on a real mesh. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesIn, start } from '../faults/command.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';

let home: Home;
const server = new OAuth2Server();
beforeAll(async () => {
  if (!haveLocal) return;
  home = new Home();
  await server.issuer.keys.generate('RS256');
  await server.start(0, '127.0.0.1');
});
afterAll(async () => {
  if (!haveLocal) return;
  home.remove();
  await server.stop();
});

describeOnLocal('what is tested is what is deployed', () => {
  test('policies of a folder, with tokens of an authorization server, a variable and the run', async () => {
    const { url = '', keys } = server.issuer;
    const jwks = JSON.stringify({ keys: keys.toJSON() });
    mkdirSync(join(home.sub('outside'), 'policies'));
    const policies = `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: jwt, namespace: shop }
spec:
  selector: { matchLabels: { app: httpbin } }
  jwtRules:
    - issuer: ${url}
      jwks: '${jwks}'
    - issuer: https://login.example.com
      jwksUri: https://login.example.com/keys
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: require, namespace: shop }
spec:
  selector: { matchLabels: { app: httpbin } }
  rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }]
`;
    writeFileSync(join(home.sub('outside'), 'policies/all.yaml'), policies);
    const token = await server.issuer.buildToken({
      scopesOrTransform: (_, payload) => Object.assign(payload, { sub: 'me' }),
    });
    const scenario = `name: outside
title: Our policies, and tokens of our provider
source: { document: d, section: s }
apps: [httpbin, sleep]
issuers: { login: { issuer: https://login.example.com } }
tokens:
  of the run: { issuer: login, claims: { sub: me, exp: +1h } }
  too old: { extends: of the run, claims: { exp: -2h } }
  of a variable: { raw: "\${env.TOKEN}" }
  of a program: { from: { command: [sh, -c, 'echo "$TOKEN"'] } }
  of the provider: { from: { clientCredentials: { tokenUrl: "${url}/token", clientId: me, clientSecret: "\${env.TOKEN_SECRET}" } } }
answers:
  denied: { code: 403, body: "RBAC: access denied" }
steps:
  - name: as they are deployed
    apply: [{ files: policies, namespace: foo, keys: [login] }]
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [no token, of the run, too old, of a variable, of a program]
      /headers: [denied, 2xx, 401, 2xx, 2xx]
  - name: the provider
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect: { columns: [of the provider], /headers: [2xx] }
`;
    writeFileSync(join(home.sub('outside'), 'outside.yaml'), scenario);
    const secret = 'the-secret-of-the-client';
    server.service.on('beforeTokenSigning', ({ payload }) => Object.assign(payload, { sub: 'client' }));
    const env = { ...home.environment, TOKEN: token, TOKEN_SECRET: secret };
    const line = ['run', '--target', 'local', '--allow-commands', 'outside.yaml'];
    const run = await start(home.sub('outside'), line, env).ended();
    expect(run.output).not.toContain(secret);
    expect(run.exitCode, run.output).toBe(0);
    expect(run.cases).toHaveLength(6);
    const written = [...filesIn(join(home.sub('outside'), 'reports')).values()].join('\n');
    expect(written).not.toContain(token.split('.')[2]);
    expect(written).not.toContain(secret);
  }, 180_000);
});
