import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { strictLintCommand } from '../../../src/cli/models/lint-strict.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';

const doubtful = `name: doubtful
title: Policies that can hardly be meant as they are
source: { document: d, section: s }
apps: [httpbin, sleep]
steps:
  - name: one
    apply:
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: paths, namespace: foo }
        spec:
          selector: { matchLabels: { app: httpbin } }
          rules:
            - to: [{ operation: { paths: ["/headers*"] } }]
            - to: [{ operation: { paths: ["/headers/a", "/headers/b"] } }]
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: lost, namespace: foo }
        spec:
          selector: { matchLabels: { app: htpbin } }
          action: DENY
          rules: [{}]
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [no token]
      /headers: [200]
  - name: two
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [no token]
      /ip: [403]
`;

async function lint(text: string) {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'it.yaml'), text);
  const { io, stdout } = recorder();
  const code = await strictLintCommand(['it.yaml'], { cwd }, io);
  return { code, lines: stdout().trimEnd().split('\n') };
}

test('policies that can hardly be meant raise a warning where they stand, once, and change no exit code', async () => {
  expect(await lint(doubtful)).toEqual({
    code: 0,
    lines: [
      'it.yaml:16:9: warning: AuthorizationPolicy foo/lost holds for nobody: no pod of namespace foo has app=htpbin',
      'it.yaml:8:9: warning: AuthorizationPolicy foo/paths: rule 2 never decides: rule 1 holds for every request that it holds for',
      '2 expectations of 2 compared with the policies, no contradiction',
    ],
  });
});

test('a policy that is meant to hold for nobody raises none', async () => {
  const meant = doubtful.replace('    apply:', '    selectsNothing: true\n    apply:');
  expect((await lint(meant)).lines.filter((line) => line.includes('nobody'))).toEqual([]);
});

test('warnings stand beside what the policies contradict', async () => {
  const { code, lines } = await lint(doubtful.replace('/ip: [403]', '/ip: [200]'));
  expect(code).toBe(3);
  expect(lines.filter((line) => line.includes('warning:'))).toHaveLength(2);
  expect(lines.at(-1)).toBe('1 mistake in 1 file');
});

test('a Gateway that lets no request in raises a warning, and what is expected through it is compared with nothing', async () => {
  const gateway = (spec: string) => `name: shut
title: A Gateway without a port
apps: [httpbin]
steps:
  - name: one
    apply:
      - apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: { name: gw, namespace: foo }
        spec: { selector: { istio: ingressgateway }${spec} }
      - apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: { name: to-httpbin, namespace: foo }
        spec: { hosts: ["*"], gateways: [gw], http: [{ route: [{ destination: { host: httpbin } }] }] }
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: nobody, namespace: istio-system }
        spec: { selector: { matchLabels: { istio: ingressgateway } } }
    through: ingress
    expect:
      columns: [no token]
      /ip: [403]
`;
  const server = (protocol: string) =>
    `, servers: [{ port: { number: 80, name: a, protocol: ${protocol} }, hosts: ["*"] }]`;
  expect((await lint(gateway(server('HTTP')))).lines).toEqual([
    '1 expectation of 1 compared with the policies, no contradiction',
  ]);
  expect(await lint(gateway(''))).toEqual({
    code: 0,
    lines: [
      'it.yaml:7:9: warning: Gateway foo/gw has no servers, so it opens no port. Write servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]',
      '0 expectations of 1 compared with the policies, no contradiction',
    ],
  });
  expect((await lint(gateway(server('TCP')))).lines[0]).toContain('has servers for TCP only');
});

test('a policy that the API server refuses raises a warning, and is left out of what is compared', async () => {
  const { code, lines } = await lint(doubtful.replace('rules: [{}]', 'rules: {}'));
  expect([code, lines[0], lines.at(-1)]).toEqual([
    0,
    'it.yaml:16:9: warning: AuthorizationPolicy foo/lost is left out, because the API server refuses it: spec.rules is a map, and must be a list: put a dash before its first field',
    '2 expectations of 2 compared with the policies, no contradiction',
  ]);
});
