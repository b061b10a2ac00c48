/** A {@link FakeApi} for all tests of a file, as it began for each of them, with a client of its own. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { KubeClient } from '../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../src/kube/kube-config.ts';
import { FakeApi } from './fake-api.ts';

/** @param use called before each test with the server, which is the same every time, and a new client */
export function useFakeApi(use: (api: FakeApi, client: KubeClient) => void): void {
  let api: FakeApi;
  let client: KubeClient;
  beforeAll(async () => {
    api = await FakeApi.start();
  });
  beforeEach(() => {
    api.reset();
    client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
    use(api, client);
  });
  afterEach(async () => {
    await client.close();
  });
  afterAll(async () => {
    await api.stop();
  });
}
