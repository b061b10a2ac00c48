/** Which proxies count, and when nobody can know. */
import { describe, expect, test } from 'vitest';
import { concernedBy, decidersOf, type Sent } from '../../../src/run/proof/concerned.ts';
import type { KubeObject, MeshPod, Survey } from '../../../src/target/target.ts';
import { meshPod as pod } from '../../support/mesh-pod.ts';

const object = (kind: string, name: string, spec: object, namespace = 'foo'): KubeObject => ({
  apiVersion: kind === 'Service' ? 'v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});
const gateway = pod('gateway', {
  namespace: 'istio-system',
  proxy: 'gateway',
  labels: { istio: 'ingressgateway', app: 'gw' },
});
const pods = [pod('sleep'), pod('httpbin'), pod('other'), gateway];
const servers = [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }];
const open = object('Gateway', 'g', { selector: { istio: 'ingressgateway' }, servers });
const route = object('VirtualService', 'v', {
  hosts: ['*'],
  gateways: ['g'],
  http: [{ route: [{ destination: { host: 'httpbin' } }] }],
});
const service = object('Service', 'httpbin', { selector: { app: 'httpbin' } });

const survey = (more: Partial<Survey> = {}): Survey => ({
  rootNamespace: 'istio-system',
  ingress: { namespace: 'istio-system', labels: { istio: 'ingressgateway', app: 'gw' } },
  pods,
  objects: [service, open, route],
  hidden: [],
  ...more,
});
const fromPod: Sent = {
  origin: { kind: 'pod', app: 'sleep', namespace: 'foo' },
  request: { url: 'http://httpbin:8000/', headers: [] },
};
const fromOutside: Sent = { origin: { kind: 'ingress' }, request: { url: '/', headers: [] } };
const policy = (name: string, app: string): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'foo' },
  spec: { selector: { matchLabels: { app } } },
});

const rolesOf = (sent: Sent[], more: Partial<Survey> = {}, inPlace: KubeObject[] = []) =>
  concernedBy(sent, inPlace, survey(more)).proxies.map(({ proxy, role }) => `${proxy.pod} ${role}`);

describe('proxies that count', () => {
  test('are those on the way, of which the first that has policies decides', () => {
    expect(rolesOf([fromPod])).toEqual(['httpbin decides', 'sleep passes']);
    expect(rolesOf([fromOutside])).toEqual(['gateway decides', 'httpbin passes']);
    expect(rolesOf([])).toEqual([]);
  });

  test('decide for one request what they only pass on for another', () => {
    expect(rolesOf([fromOutside, fromPod])).toEqual(['gateway decides', 'httpbin decides', 'sleep passes']);
  });

  test('are also those that a policy of the scenario holds for', () => {
    expect(rolesOf([fromPod], {}, [policy('p', 'other')])).toEqual([
      'httpbin decides',
      'sleep passes',
      'other selected',
    ]);
    expect(rolesOf([fromPod], {}, [policy('p', 'httpbin')])).toEqual(['httpbin decides', 'sleep passes']);
  });

  test('are not known where a Gateway on the way opens no port for HTTP', () => {
    const closed = (more: object) =>
      object('Gateway', 'g', { selector: { istio: 'ingressgateway' }, ...more });
    const whyOf = (gateway: KubeObject) =>
      concernedBy([fromOutside], [], survey({ objects: [service, gateway, route] })).unknown;
    expect(whyOf(open)).toBeUndefined();
    expect(whyOf(closed({}))).toEqual({
      message: 'Gateway foo/g has no servers, so it opens no port, and requests are sent through it',
      hint: 'Write servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }].',
    });
    const tcp = [{ port: { number: 80, name: 'tcp', protocol: 'TCP' }, hosts: ['*'] }];
    expect(whyOf(closed({ servers: tcp }))?.message).toContain('has servers for TCP only');
    // Sent in another step, in which it may be another one.
    const elsewhen = { ...fromOutside, isElsewhen: true };
    expect(
      concernedBy([elsewhen], [], survey({ objects: [service, closed({}), route] })).unknown,
    ).toBeUndefined();
  });

  test('run, are proxies, and have a port open', () => {
    const but = (name: string, more: Partial<MeshPod>) => ({
      pods: pods.map((each) => (each.name === name ? { ...each, ...more } : each)),
    });
    expect(rolesOf([fromPod], but('sleep', { proxy: undefined }))).toEqual(['httpbin decides']);
    expect(rolesOf([fromPod], but('httpbin', { isReady: false }))).toEqual(['sleep passes']);
    // Another object that selects the gateway opens none.
    const other = object('Gateway', 'g', { selector: { istio: 'other' }, servers });
    const sidecars = object('Sidecar', 's', { workloadSelector: { labels: { app: 'gw' } } }, 'istio-system');
    const objects = [service, other, sidecars, route];
    expect(rolesOf([fromOutside], { objects })).toEqual([]);
    expect(rolesOf([fromPod], { objects: [service] })).toEqual(['httpbin decides', 'sleep passes']);
  });

  test('are named with what is needed to ask them', () => {
    expect(decidersOf(fromPod, survey())).toEqual([
      { namespace: 'foo', pod: 'httpbin', labels: { app: 'httpbin' }, kind: 'sidecar' },
    ]);
    expect(decidersOf(fromOutside, survey())).toEqual([
      { namespace: 'istio-system', pod: 'gateway', labels: gateway.labels, kind: 'gateway' },
    ]);
    // It runs, and answers nobody.
    expect(decidersOf(fromOutside, survey({ objects: [service] }))).toEqual([]);
  });
});

test('policies of the scenario that hold for nobody are told, and no others', () => {
  const [lost, held, others] = [policy('lost', 'htpbin'), policy('held', 'httpbin'), policy('others', 'x')];
  const objects = [service, lost, held, others, object('ServiceEntry', 'entry', {})];
  const { idle } = concernedBy(
    [fromPod],
    [lost, held, object('ServiceEntry', 'entry', {})],
    survey({ objects }),
  );
  expect(idle).toEqual([{ policy: lost, why: 'no pod of namespace foo has app=htpbin' }]);
});

describe('nobody knows which proxies decide', () => {
  const unknown = (sent: Sent[], more: Partial<Survey>) => concernedBy(sent, [], survey(more)).unknown;

  test('when pods may not be listed', () => {
    expect(unknown([fromPod], { hidden: ['Secret', 'Pod'] })).toEqual({
      message: expect.stringContaining('this user may not list pods'),
      hint: expect.stringContaining('docs/rbac/data-plane.yaml'),
    });
    expect(unknown([fromPod], { hidden: ['Secret'] })).toBeUndefined();
  });

  test('when the gateway has no pods, and something goes through it', () => {
    const more = { pods: pods.slice(0, 3) };
    expect(unknown([fromPod, fromOutside], more)).toEqual({
      message:
        'no pod of namespace istio-system has istio=ingressgateway, app=gw, so the proxies of the ingress gateway cannot be asked',
      hint: expect.stringContaining('--gateway NAMESPACE/NAME'),
    });
    expect(unknown([fromPod], more)).toBeUndefined();
    expect(unknown([fromOutside], {})).toBeUndefined();
  });

  test('when a Gateway that is named has no pods, or may not be listed', () => {
    const through = (name: string): Sent => ({
      ...fromOutside,
      origin: { kind: 'ingress', gateway: { namespace: 'foo', name } },
    });
    expect(unknown([through('g')], {})).toBeUndefined();
    expect(unknown([through('other')], {})).toEqual({
      message: 'no pod runs for Gateway foo/other, so its proxies cannot be asked',
      hint: expect.stringContaining('selector'),
    });
    expect(unknown([through('g')], { objects: [], hidden: ['Gateway'] })).toEqual({
      message: 'this user may not list Gateways, so nobody knows which proxies are those of foo/g',
      hint: expect.stringContaining('docs/rbac/data-plane.yaml'),
    });
  });
});
