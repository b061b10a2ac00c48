/** Whether an existing cluster can be used: it answers, has Istio, tells the same time, and allows what is needed. */

import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { connect, gatewayOf } from '../../engine/targets/make-cluster.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { clockSkew } from '../../policy/jwt.ts';
import { text } from '../../settings/typed.ts';
import { findIstio } from '../../target/cluster/facts.ts';
import { findIngress } from '../../target/cluster/find-ingress.ts';
import type { Clients } from '../../target/kubernetes/client-for.ts';
import type { Finding, Surroundings } from './finding.ts';
import { permissions } from './permissions.ts';

const istioNamespace = 'istio-system';

/** From here to the far end of the world, with a new TLS connection; in milliseconds. */
const answerMs = 5_000;

export async function cluster(around: Surroundings): Promise<Finding[]> {
  const clients = await connect(around.values);
  const both = clients.mesh === clients.data ? [clients.data] : [clients.data, clients.mesh];
  try {
    const answers = await Promise.all(both.map((client) => apiServer(client, around.signal)));
    if (answers.flat().some(({ state }) => state === 'broken')) return answers.flat();
    const more = await Promise.all([
      istio(clients, around),
      ingress(clients, around),
      permissions(clients, around),
    ]);
    return [...answers.flat(), ...more.flat()];
  } finally {
    await Promise.all(both.map((client) => client.close().catch(() => {})));
  }
}

/** Whether it answers this user, and what time it is there. */
async function apiServer(client: KubeClient, signal: AbortSignal): Promise<Finding[]> {
  const name = `context ${client.name}`;
  try {
    const { body, date = Number.NaN } = await client.request('/version', { signal, timeoutMs: answerMs });
    const version = (body as { gitVersion?: string }).gitVersion;
    return [{ name, state: 'ok', version, text: 'the API server answers' }, ...clock(client, date)];
  } catch (thrown) {
    throwIfAborted(signal);
    if (!(thrown instanceof HarnessError)) throw thrown;
    const remedy =
      'status' in thrown
        ? `Log in again, or choose another context: kubectl --context ${client.name} version`
        : (thrown.hint ??
          `See whether the cluster runs and the network leads there: kubectl --context ${client.name} version`);
    return [{ name, state: 'broken', text: thrown.message, remedy }];
  }
}

/** Tokens are made here and judged there. The header has whole seconds. */
function clock(client: KubeClient, date: number): Finding[] {
  if (Number.isNaN(date)) return [];
  const name = 'clock';
  const seconds = Math.round((Date.now() - date) / 1000);
  // A token is expired or not yet valid by more than this at the earliest.
  if (Math.abs(seconds) < clockSkew) return [{ name, state: 'ok', text: 'the same here and there' }];
  const text = `this machine is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} context ${client.name}: times in tokens are judged wrongly`;
  return [
    { name, state: 'warning', text, remedy: 'Set the clock, such as with: sudo timedatectl set-ntp true' },
  ];
}

async function istio(clients: Clients, { values, signal }: Surroundings): Promise<Finding[]> {
  const name = 'Istio';
  try {
    const told = { istio: text(values, 'istio') };
    const facts = await findIstio(clients, istioNamespace, undefined, told, signal);
    const from = `by ${facts.versionFrom}; keys are fetched by ${facts.fetch} (${facts.fetchFrom})`;
    return [{ name, state: 'ok', version: facts.version, text: from }];
  } catch (thrown) {
    throwIfAborted(signal);
    if (!(thrown instanceof HarnessError)) throw thrown;
    // A run asks the gateway too, by a command in its pod.
    const state = /version cannot be found out/.test(thrown.message) ? 'warning' : 'broken';
    return [{ name, state, text: thrown.message, remedy: thrown.hint }];
  }
}

async function ingress(clients: Clients, { signal, values }: Surroundings): Promise<Finding[]> {
  const name = 'ingress gateway';
  const found = await findIngress(clients, gatewayOf(values), signal);
  if ('url' in found) return [{ name, state: 'ok', text: `${found.url} (${found.from})` }];
  const text = `${found.missing.replace(/: set --ingress URL$/, '')}; scenarios that go through it are skipped`;
  return [{ name, state: 'warning', text, remedy: 'Say where it is when you run: --ingress URL' }];
}
