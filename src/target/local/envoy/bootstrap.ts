/**
 * The configuration that an Envoy starts with. As pilot-agent writes it in a pod, but the admin interface is a Unix socket,
 * and nothing is redirected to it (interception mode NONE).
 */
import { istiodName } from '../control-plane/istiod.ts';

export interface BootstrapOptions {
  readonly kind: 'sidecar' | 'router';
  readonly namespace: string;
  /** Name of the pod. */
  readonly pod: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly istioVersion: string;
  readonly discovery: { readonly address: string; readonly port: number };
  /** Unix socket of the secret discovery service. */
  readonly secretSocket: string;
  readonly adminSocket: string;
  /** Settings that its pod brings. */
  readonly proxyConfig?: Readonly<Record<string, unknown>> | undefined;
}

/** The node ID, by which istiod knows a proxy (pilot/pkg/model: role~address~name~domain). */
export function nodeId({ kind, address, pod, namespace }: BootstrapOptions): string {
  return `${kind}~${address}~${pod}.${namespace}~${namespace}.svc.cluster.local`;
}

export function bootstrapOf(options: BootstrapOptions): object {
  const { namespace, pod, address, labels, serviceAccount, istioVersion, discovery, proxyConfig } = options;
  const ads = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  return {
    node: {
      id: nodeId(options),
      cluster: `${labels.app ?? pod}.${namespace}`,
      metadata: {
        NAME: pod,
        NAMESPACE: namespace,
        LABELS: labels,
        CLUSTER_ID: 'Kubernetes',
        MESH_ID: 'cluster.local',
        ISTIO_VERSION: istioVersion,
        INSTANCE_IPS: address,
        INTERCEPTION_MODE: 'NONE',
        SERVICE_ACCOUNT: serviceAccount,
        ...(proxyConfig === undefined ? {} : { PROXY_CONFIG: proxyConfig }),
      },
    },
    admin: { address: { pipe: { path: options.adminSocket } } },
    // A connection comes from the address of its workload, as policies about source addresses expect.
    cluster_manager: { upstream_bind_config: { source_address: { address, port_value: 0 } } },
    dynamic_resources: {
      lds_config: ads,
      cds_config: ads,
      ads_config: {
        api_type: 'DELTA_GRPC',
        set_node_on_first_message_only: true,
        transport_api_version: 'V3',
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: 'xds-grpc',
              // When istiod restarts, its proxies are to be back at once.
              retry_policy: { retry_back_off: { base_interval: '0.02s', max_interval: '0.5s' } },
            },
          },
        ],
      },
    },
    static_resources: {
      clusters: [
        {
          ...grpcCluster('xds-grpc', {
            socket_address: { address: discovery.address, port_value: discovery.port },
          }),
          transport_socket: workloadTls,
        },
        grpcCluster('sds-grpc', { pipe: { path: options.secretSocket } }),
      ],
    },
  };
}

/** By the certificate of the workload istiod knows it, and by its name in the certificate it knows istiod. */
const workloadTls = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    sni: istiodName,
    common_tls_context: {
      alpn_protocols: ['h2'],
      tls_certificate_sds_secret_configs: [secret('default')],
      combined_validation_context: {
        default_validation_context: {
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: istiodName } }],
        },
        validation_context_sds_secret_config: secret('ROOTCA'),
      },
    },
  },
};

function secret(name: string): object {
  return {
    name,
    sds_config: {
      resource_api_version: 'V3',
      initial_fetch_timeout: '0s',
      api_config_source: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
      },
    },
  };
}

function grpcCluster(name: string, address: object): object {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      [type]: {
        '@type': `type.googleapis.com/${type}`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
}
