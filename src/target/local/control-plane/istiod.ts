/** istiod as a plain process: the same discovery service as in a cluster, told where things are here. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { stringify } from 'yaml';
import type { FetchMode } from '../../../base/events.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { type Ca, issueCertificate } from '../../../jwks/certificates.ts';
import { portOn } from '../network/addresses.ts';
import type { Part } from '../processes/part.ts';
import type { StartPart } from './api-server.ts';
import { type IstiodEnv, istiodEnv } from './istiod-env.ts';
import { ownMeshConfig } from './own-mesh-config.ts';
import { getOk, untilAnswers } from './wait-http.ts';

export const istioNamespace = 'istio-system';

/** In its certificate: what proxies and the API server expect to find there. */
export const istiodName = `istiod.${istioNamespace}.svc`;

export interface IstiodOptions {
  readonly pilotDiscovery: string;
  readonly folder: string;
  readonly address: string;
  readonly kubeconfig: string;
  readonly ca: Ca;
  /** Where istiod sends its requests for keys; knows the names of the mesh. */
  readonly proxyUrl: string;
  /** Variables that were asked for. */
  readonly istiodEnv: IstiodEnv;
  readonly start: StartPart;
}

export interface IstiodFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly rootsFile: string;
  readonly meshFile: string;
}

export interface RunningIstiod {
  readonly part: Part;
  /** Of the discovery service, which wants the certificate of a workload. */
  readonly grpcPort: number;
  readonly httpUrl: string;
  readonly webhookPort: number;
}

/** Writes what every istiod of the mesh reads. */
export async function prepareIstiod(options: IstiodOptions): Promise<IstiodFiles> {
  const { folder, address, ca } = options;
  const certificate = await issueCertificate(ca, {
    dnsNames: [istiodName],
    ips: [address],
  });
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  return {
    certFile: file('istiod.crt', certificate.certPem),
    keyFile: file('istiod.key', certificate.keyPem),
    caFile: file('ca.crt', ca.certPem),
    // istiod reads its extra root CA from /cacerts, where only root may write; Go takes it from here as well.
    rootsFile: file('roots.pem', [...rootCertificates, ca.certPem].join('\n')),
    meshFile: file('mesh.yaml', stringify(ownMeshConfig(`${address}:15012`))),
  };
}

/** Starts an istiod in a fetch mode and returns once it is ready. @throws HarnessError E_CLUSTER with its last lines */
export async function startIstiod(
  options: IstiodOptions,
  files: IstiodFiles,
  mode: FetchMode,
  signal: AbortSignal,
): Promise<RunningIstiod> {
  const { address, kubeconfig, proxyUrl, start } = options;
  const [grpc, http, https] = [
    await portOn(address, 15012),
    await portOn(address, 8080),
    await portOn(address, 15017),
  ];
  const part = await start({
    name: 'istiod',
    program: options.pilotDiscovery,
    args: [
      'discovery',
      `--kubeconfig=${kubeconfig}`,
      `--meshConfig=${files.meshFile}`,
      `--networksConfig=${join(options.folder, 'no-networks.yaml')}`,
      // No port of their own for discovery without TLS, which is refused on that for HTTP, and for monitoring.
      '--grpcAddr=',
      '--monitoringAddr=',
      '--profile=false',
      `--secureGRPCAddr=${address}:${grpc}`,
      `--httpAddr=${address}:${http}`,
      `--httpsAddr=${address}:${https}`,
      '--ctrlz_port=0',
      `--tlsCertFile=${files.certFile}`,
      `--tlsKeyFile=${files.keyFile}`,
      `--caCertFile=${files.caFile}`,
      '--keepaliveMaxServerConnectionAge=24h',
    ],
    env: istiodEnv(
      { namespace: istioNamespace, mode, rootsFile: files.rootsFile, folder: options.folder, proxyUrl },
      options.istiodEnv,
    ),
  });
  const httpUrl = `http://${address}:${http}`;
  await untilAnswers(part, (own) => getOk(`${httpUrl}/ready`, own), timeouts.localStart, signal);
  return { part, grpcPort: grpc, httpUrl, webhookPort: https };
}
