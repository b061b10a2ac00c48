import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { reportDeployment } from '../../../../src/target/local/kubelet/deployments.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';
import { deployment } from '../support.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

describe('the status of a Deployment', () => {
  const report = async (ready: number, spec: Record<string, unknown> = {}) => {
    const object = api.get('apps/v1', 'Deployment', 'x', 'foo') ?? api.put(deployment('x', {}, spec));
    await reportDeployment(client, object, ready, unaborted());
    return api.get('apps/v1', 'Deployment', 'x', 'foo')?.status;
  };

  test('says for which generation how many pods are ready, as clients wait for it', async () => {
    expect(await report(1, { replicas: 2 })).toEqual({
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 1,
      availableReplicas: 1,
      unavailableReplicas: 1,
    });
    expect(await report(2)).toMatchObject({ readyReplicas: 2, unavailableReplicas: 0 });
  });

  test('is of one pod when nothing else is said', async () => {
    expect(await report(1)).toMatchObject({ replicas: 1, readyReplicas: 1, unavailableReplicas: 0 });
  });

  test('is written when it is new only, also where zeros are left out', async () => {
    const [object] = [
      api.put({ ...deployment('x', {}, { replicas: 0 }), status: { observedGeneration: 1 } }),
    ];
    await reportDeployment(client, object!, 0, unaborted());
    expect(api.log('PATCH')).toEqual([]);
    await reportDeployment(
      client,
      { ...object!, metadata: { ...object!.metadata, generation: 2 } },
      0,
      unaborted(),
    );
    expect(api.log('PATCH')).toEqual(['PATCH /apis/apps/v1/namespaces/foo/deployments/x/status']);
  });

  test('of one that was deleted meanwhile is nobody’s any more; other errors are told', async () => {
    await reportDeployment(client, deployment('gone'), 1, unaborted());
    api.rule('PATCH', /./, failure(500, 'InternalError', 'broken'));
    await expect(reportDeployment(client, deployment('x'), 1, unaborted())).rejects.toMatchObject({
      status: 500,
    });
  });
});
