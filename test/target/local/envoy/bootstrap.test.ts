import { expect, test } from 'vitest';
import { type BootstrapOptions, bootstrapOf, nodeId } from '../../../../src/target/local/envoy/bootstrap.ts';

const options: BootstrapOptions = {
  kind: 'sidecar',
  namespace: 'foo',
  pod: 'httpbin-1',
  address: '127.99.0.20',
  labels: { app: 'httpbin', version: 'v1' },
  serviceAccount: 'httpbin',
  istioVersion: '1.31.0',
  discovery: { address: '127.99.0.1', port: 15012 },
  secretSocket: '/mesh/sds',
  adminSocket: '/mesh/w1.admin',
};

interface Bootstrap {
  node: { id: string; cluster: string; metadata: Record<string, unknown> };
  admin: { address: unknown };
  dynamic_resources: Record<string, Record<string, unknown>>;
  static_resources: {
    clusters: {
      name: string;
      load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: unknown } }[] }[] };
    }[];
  };
}
const bootstrap = (more: Partial<BootstrapOptions> = {}) => bootstrapOf({ ...options, ...more }) as Bootstrap;

test('a proxy says who it is', () => {
  expect(nodeId(options)).toBe('sidecar~127.99.0.20~httpbin-1.foo~foo.svc.cluster.local');
  expect(nodeId({ ...options, kind: 'router' })).toMatch(/^router~/);
  const { node } = bootstrap();
  expect(node).toMatchObject({
    id: nodeId(options),
    cluster: 'httpbin.foo',
    // What istiod chooses policies and Sidecars by.
    metadata: {
      NAMESPACE: 'foo',
      LABELS: options.labels,
      SERVICE_ACCOUNT: 'httpbin',
      CLUSTER_ID: 'Kubernetes',
      ISTIO_VERSION: '1.31.0',
      INSTANCE_IPS: '127.99.0.20',
      INTERCEPTION_MODE: 'NONE',
    },
  });
  expect(bootstrap({ labels: {} }).node.cluster).toBe('httpbin-1.foo');
});

test('it asks istiod for everything, and the secret server for certificates', () => {
  const { dynamic_resources: dynamic, static_resources: fixed } = bootstrap();
  const clusters = new Map(
    fixed.clusters.map((each) => [
      each.name,
      each.load_assignment.endpoints[0]?.lb_endpoints[0]?.endpoint.address,
    ]),
  );
  expect(Object.keys(dynamic).sort()).toEqual(['ads_config', 'cds_config', 'lds_config']);
  expect(dynamic.ads_config).toMatchObject({
    api_type: 'DELTA_GRPC',
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
  });
  expect(clusters.get('xds-grpc')).toEqual({ socket_address: { address: '127.99.0.1', port_value: 15012 } });
  // Istio's configuration names this cluster.
  expect(clusters.get('sds-grpc')).toEqual({ pipe: { path: '/mesh/sds' } });
  for (const cluster of fixed.clusters) expect(JSON.stringify(cluster)).toContain('http2_protocol_options');
});

test('it shows istiod the certificate of its workload, and talks to nobody else', () => {
  const { clusters } = bootstrap().static_resources;
  const xds = clusters.find(({ name }) => name === 'xds-grpc');
  expect(xds).toMatchObject({
    transport_socket: {
      typed_config: {
        common_tls_context: {
          tls_certificate_sds_secret_configs: [{ name: 'default' }],
          combined_validation_context: {
            default_validation_context: {
              match_typed_subject_alt_names: [
                { san_type: 'DNS', matcher: { exact: 'istiod.istio-system.svc' } },
              ],
            },
            validation_context_sds_secret_config: { name: 'ROOTCA' },
          },
        },
      },
    },
  });
});

test('nobody but this user reaches its admin interface, and nothing else listens', () => {
  expect(bootstrap().admin).toEqual({ address: { pipe: { path: '/mesh/w1.admin' } } });
  expect(JSON.stringify(bootstrap())).not.toMatch(/0\.0\.0\.0|listeners/);
});

test('a proxy says which settings its pod brings', () => {
  expect(bootstrap().node.metadata).not.toHaveProperty('PROXY_CONFIG');
  const proxyConfig = { gatewayTopology: { numTrustedProxies: 1 } };
  expect(bootstrap({ proxyConfig }).node.metadata).toMatchObject({ PROXY_CONFIG: proxyConfig });
});
