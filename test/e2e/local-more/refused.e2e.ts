/** What the model says of policies that are refused, a real API server with Istio's webhook says too. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kube-object.ts';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { refusedPolicies, takenPolicies } from '../../policy/shape/refused-policies.ts';
import { unaborted } from '../../support/signals.ts';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { localTarget } from './local-target.ts';

const signal = unaborted();
const target = localTarget('refused');
let client: KubeClient;
beforeAll(async () => {
  if (!haveLocal) return;
  await target.up(signal);
  client = new KubeClient(loadKubeConfig({ file: target.kubeconfig }));
});
afterAll(async () => {
  await client?.close();
  if (haveLocal) await target.down(signal);
});

/** What the API server says against a policy that it would be given; undefined when it takes it. */
async function refusal(policy: KubeObject): Promise<string | undefined> {
  const plural = policy.kind === 'AuthorizationPolicy' ? 'authorizationpolicies' : 'requestauthentications';
  const path = `/apis/security.istio.io/v1/namespaces/default/${plural}?dryRun=All`;
  try {
    await client.request(path, { method: 'POST', body: policy, signal });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof KubeError && thrown.status < 500) return thrown.message;
    throw thrown;
  }
}

describeOnLocal('a policy', () => {
  test('that the model says is refused is refused', async () => {
    const taken: KubeObject[] = [];
    for (const [policy] of refusedPolicies) if ((await refusal(policy)) === undefined) taken.push(policy);
    expect(taken.map(({ spec }) => JSON.stringify(spec))).toEqual([]);
  });

  test('that is much like it is taken', async () => {
    const refused: string[] = [];
    for (const policy of takenPolicies) {
      const why = await refusal(policy);
      if (why !== undefined) refused.push(`${JSON.stringify(policy.spec)}: ${why}`);
    }
    expect(refused).toEqual([]);
  });
});
