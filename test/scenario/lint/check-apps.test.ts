/** A scenario names the applications that it uses, so that it does not depend on which others run. */
import { describe, expect, test } from 'vitest';
import { knownApps } from '../../../src/scenario/known-apps.ts';
import { parseScenario } from '../../../src/scenario/load.ts';

const known = knownApps();
const mistakes = (step: string, apps: string) => {
  const source = `name: sample
title: A sample
source: { document: FAQ, section: Sample }
apps: [${apps}]
steps:
  - name: sends
    request: { path: /, token: no token }
    expect: { columns: [a], b: [200] }
${step.replace(/^/gm, '    ')}
`;
  return parseScenario(source, 'sample.yaml', 'custom', known).errors.map(({ message }) => message);
};
const applied = (kind: string, spec: string, namespace = 'foo', group = 'networking.istio.io/v1') =>
  `through: ingress
apply: [{ apiVersion: ${group}, kind: ${kind}, metadata: { name: x, namespace: ${namespace} }, spec: ${spec} }]`;
const security = 'security.istio.io/v1';

test('the applications of the product are known', () => {
  expect(known.map(({ app }) => app)).toEqual(['authorizer', 'bookinfo', 'httpbin', 'sleep']);
});

describe('what is of an application that is not named', () => {
  test.each([
    [
      'a VirtualService by its destination',
      applied(
        'VirtualService',
        '{ hosts: ["*"], http: [{ route: [{ destination: { host: httpbin.foo.svc.cluster.local } }] }] }',
        'shop',
      ),
    ],
    [
      'a VirtualService by a short destination',
      applied('VirtualService', '{ hosts: ["*"], http: [{ route: [{ destination: { host: httpbin } }] }] }'),
    ],
    ['a VirtualService by its hosts', applied('VirtualService', '{ hosts: [httpbin.foo] }')],
    ['a DestinationRule by its host', applied('DestinationRule', '{ host: httpbin }')],
    ['a ServiceEntry by its hosts', applied('ServiceEntry', '{ hosts: [httpbin.foo.svc.cluster.local] }')],
    [
      'an EnvoyFilter by a cluster',
      applied('EnvoyFilter', '{ match: { name: "outbound|8000||httpbin.foo.svc.cluster.local" } }', 'shop'),
    ],
    [
      'an EnvoyFilter by its workloads',
      applied('EnvoyFilter', '{ workloadSelector: { labels: { app: httpbin } } }'),
    ],
    ['a Service by its selector', applied('Service', '{ selector: { app: httpbin } }', 'foo', 'v1')],
    [
      'an HTTPRoute by its backend',
      applied(
        'HTTPRoute',
        '{ rules: [{ backendRefs: [{ name: httpbin, namespace: foo, port: 8000 }] }] }',
        'shop',
        'gateway.networking.k8s.io/v1',
      ),
    ],
    [
      'a policy by its selector',
      applied('AuthorizationPolicy', '{ selector: { matchLabels: { app: httpbin } } }', 'foo', security),
    ],
    [
      'a policy of the root namespace',
      applied(
        'AuthorizationPolicy',
        '{ selector: { matchLabels: { app: httpbin } } }',
        'istio-system',
        security,
      ),
    ],
    [
      'a policy by its target',
      applied(
        'AuthorizationPolicy',
        '{ targetRefs: [{ kind: Service, group: "", name: httpbin }] }',
        'foo',
        security,
      ),
    ],
    [
      'a policy by the address of keys',
      applied(
        'RequestAuthentication',
        '{ jwtRules: [{ issuer: a, jwksUri: "http://httpbin.foo:8000/keys" }] }',
        'foo',
        security,
      ),
    ],
  ])('is told: %s', (_, step) => {
    expect(mistakes(step, '')).toEqual([
      expect.stringMatching(/ is of the application "httpbin", which the scenario does not name$/),
    ]);
    expect(mistakes(step, 'httpbin')).toEqual([]);
  });
});

describe("what is somebody else's", () => {
  test.each([
    [
      'a longer host',
      applied('VirtualService', '{ hosts: [httpbin.foo.example.com, my-httpbin.foo, a.httpbin.foo] }'),
    ],
    ['another namespace', applied('DestinationRule', '{ host: httpbin }', 'shop')],
    ['all hosts of a namespace', applied('VirtualService', '{ hosts: ["*.foo.svc.cluster.local"] }')],
    [
      'other labels',
      applied(
        'AuthorizationPolicy',
        '{ selector: { matchLabels: { app: httpbin, version: v2 } } }',
        'foo',
        security,
      ),
    ],
    [
      'the value of a header',
      applied(
        'AuthorizationPolicy',
        '{ rules: [{ to: [{ operation: { hosts: [httpbin.foo] } }] }] }',
        'foo',
        security,
      ),
    ],
  ])("is nobody's business: %s", (_, step) => {
    expect(mistakes(step, '')).toEqual([]);
  });
});

describe('clients and addresses', () => {
  const send = (url: string, client: string, apps: string, more = '') => {
    const source = `name: sample
title: A sample
source: { document: FAQ, section: Sample }
apps: [${apps}]
steps:
  - name: sends
    from: ${client}
    request: { url: "${url}" }
    expect: { columns: [no token], /: [200] }
${more}`;
    return parseScenario(source, 'sample.yaml', 'custom', known).errors.map(
      ({ message, hint }) => `${message}. ${hint}`,
    );
  };
  test.each([
    ['http://httpbin.foo:8000'],
    ['http://httpbin:8000'],
    ['https://httpbin.foo.svc'],
    ['http://HTTPBIN.foo.svc.cluster.local:8000'],
  ])('are told, all that is missing at once: %s', (url) => {
    const messages = send(url, 'sleep.foo', '');
    expect(messages).toHaveLength(2);
    expect(messages.toSorted()[1]).toMatch(
      '"sleep.foo" is of the application "sleep", which the scenario does not name',
    );
    for (const message of messages)
      expect(message).toMatch(/Write "apps: \[(httpbin, sleep|sleep, httpbin)\]"\.$/);
    expect(send(url, 'sleep.foo', 'httpbin, sleep')).toEqual([]);
  });

  test('may be named by the mesh settings, and by clients of single requests', () => {
    const lint = (head: string, apps: string) => {
      const source = `name: sample
title: A sample
source: { document: FAQ, section: Sample }
apps: [${apps}]
${head}
steps:
  - name: sends
    through: ingress
    request: { path: /, token: no token }
    expect: { columns: [a], from sleep: [200] }
`;
      return parseScenario(source, 'sample.yaml', 'custom', known).errors.map(({ message }) => message);
    };
    const asks =
      'mesh: { extensionProviders: [{ name: a, envoyExtAuthzHttp: { service: authorizer.foo.svc.cluster.local, port: 8000 } }] }';
    expect(lint(asks, 'httpbin')).toEqual([
      expect.stringContaining('is of the application "authorizer", which the scenario does not name'),
    ]);
    expect(lint(asks, 'httpbin, authorizer')).toEqual([]);
    const sends = 'requests: { from sleep: { from: sleep.foo, url: "http://httpbin.foo:8000" } }';
    expect(lint(sends, 'httpbin')).toEqual([
      expect.stringContaining('"sleep.foo" is of the application "sleep", which the scenario does not name'),
    ]);
  });

  test('may be of the scenario itself, or of a cluster', () => {
    expect(send('http://shop.foo', 'client.shop', '')).toEqual([]);
    const own = `    apply:
      - { apiVersion: v1, kind: Service, metadata: { name: httpbin, namespace: foo }, spec: { selector: { app: own } } }
      - apiVersion: apps/v1
        kind: Deployment
        metadata: { name: sleep, namespace: foo }
        spec: { template: { metadata: { labels: { app: own } } } }
`;
    expect(send('http://httpbin.foo:8000', 'sleep.foo', '', own)).toEqual([]);
  });

  test('of an application that does not exist are told by its name', () => {
    expect(send('http://shop.foo', 'client.shop', 'slep')).toEqual([
      'there is no application "slep" in kind/apps. Did you mean "sleep"?',
    ]);
  });
});
