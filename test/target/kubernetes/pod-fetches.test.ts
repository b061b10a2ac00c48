/** Who fetched, by logs of pods as an API server gives them; the clock of the node is another than ours. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KubeClient, loadKubeConfig } from '../../../src/kube/client.ts';
import { podFetches, podLogEnd } from '../../../src/target/kubernetes/pod-fetches.ts';
import { timeouts } from '../../../src/timeouts.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
const pods = { namespace: 'foo', app: 'keys' };
/** Lines of each container; of one that was restarted, the ones before, too. */
let logs: Record<string, string[]>;
/** Whether what is written to a container comes to its log. */
let writes: boolean | 'lost';
let clock = 0;
beforeAll(async () => {
  api = await FakeApi.start();
});
beforeEach(() => {
  api.reset();
  client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
  logs = {};
  writes = true;
  api.onExec((session) => {
    const text = session.command.at(-1)?.match(/^echo '(.*)' > \/proc\/1\/fd\/1$/)?.[1];
    if (text !== undefined && writes === true) logs[session.pod]?.push(stamped(text));
    session.exit(writes === false ? 1 : 0);
  });
  api.rule('GET', /\/log$/, ({ path, query }) => {
    const name = path.split('/').at(-2) ?? '';
    const lines = logs[query.previous === 'true' ? `${name} before` : name];
    if (lines === undefined) return failure(query.previous === 'true' ? 400 : 404, 'NotFound', 'no such log');
    const tail = query.tailLines === undefined ? lines : lines.slice(-Number(query.tailLines));
    const text = tail.map((line) => `${line}\n`).join('');
    return { status: 200, body: text.slice(0, Number(query.limitBytes)) };
  });
});
afterEach(async () => {
  await client.close();
});
afterAll(async () => {
  await api.stop();
});

/** In a year that has long been over. */
function stamped(line: string): string {
  clock += 1;
  return `2001-01-01T00:00:00.${String(clock).padStart(9, '0')}Z ${line}`;
}
const fetch = (agent: string) =>
  stamped(`10.0.0.1 - - [01/Jan/2001:00:00:00 +0000] "GET /get_jwks HTTP/1.1" 200 5 "-" "${agent}"`);
const istiod = () => fetch('Go-http-client/1.1');

function pod(name: string, restartCount = 0, more: { deletionTimestamp?: string } = {}): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'foo', labels: { app: 'keys' }, uid: `uid-${name}` },
    spec: { containers: [{ name: 'keys', image: 'x' }] },
    status: { containerStatuses: [{ name: 'keys', ready: true, restartCount, state: { running: {} } }] },
  });
  const made = api.get('v1', 'Pod', name, 'foo');
  if (made !== undefined) Object.assign(made.metadata, more);
}
const end = () => podLogEnd(client, pods, signal);
const fetches = async (after: string) =>
  (await podFetches(client, pods, '/get_jwks', after, signal)).map(({ by, userAgent }) =>
    by === 'other' ? userAgent : by,
  );

test('a log that is longer than is read is no proof', async () => {
  pod('keys-1');
  logs = { 'keys-1': [] };
  const before = await end();
  logs['keys-1']!.push(stamped('x'.repeat(33 * 1024 * 1024)), istiod());
  await expect(fetches(before)).rejects.toMatchObject({
    code: 'E_UNPROVEN',
    message: expect.stringContaining('its log has more than 32 MiB'),
  });
});

test('what was logged before does not count, whatever the time of the node is', async () => {
  pod('keys-1');
  pod('keys-2');
  logs = { 'keys-1': [istiod(), stamped('noise')], 'keys-2': [] };
  const before = await end();
  expect(await fetches(before)).toEqual([]);
  logs['keys-1']!.push(fetch('Go-browser'));
  logs['keys-2']!.push(fetch('wget'), stamped('noise'));
  expect(await fetches(before)).toEqual(['envoy', 'wget']);
  expect(await fetches(await end())).toEqual([]);
});

test('a pod that comes later counts as a whole', async () => {
  const before = await end();
  pod('keys-1');
  logs = { 'keys-1': [istiod()] };
  expect(await fetches(before)).toEqual(['istiod']);
});

describe('a log is waited for', () => {
  test('until it has what was written to it just now', async () => {
    pod('keys-1');
    logs = { 'keys-1': [] };
    const before = await end();
    let late: string[] = [];
    api.onExec((session) => {
      late = [istiod(), stamped(session.command.at(-1)?.match(/'(.*)'/)?.[1] ?? '')];
      setTimeout(() => logs['keys-1']!.push(...late), 300);
      session.exit(0);
    });
    expect(await fetches(before)).toEqual(['istiod']);
    expect(late).toHaveLength(2);
  });

  test('as long as is usual, where nothing can be written to it', async () => {
    pod('keys-1');
    logs = { 'keys-1': [] };
    writes = false;
    const before = await end();
    setTimeout(() => logs['keys-1']!.push(istiod()), timeouts.podLogUsual * 0.7);
    expect(await fetches(before)).toEqual(['istiod']);
  });
});

describe('nobody knows who fetched', () => {
  const error = (message: string) => ({ code: 'E_UNPROVEN', message: expect.stringContaining(message) });

  test('when a pod is gone; one that was leaving before does not matter', async () => {
    pod('keys-1');
    pod('keys-2', 0, { deletionTimestamp: '2001-01-01T00:00:00Z' });
    logs = { 'keys-1': [], 'keys-2': [] };
    const before = await end();
    api.objects.forEach((object, key) => {
      if (object.metadata.name === 'keys-2') api.objects.delete(key);
    });
    expect(await fetches(before)).toEqual([]);
    api.objects.forEach((object, key) => {
      if (object.metadata.name === 'keys-1') api.objects.delete(key);
    });
    await expect(fetches(before)).rejects.toMatchObject(
      error('who asked pod foo/keys-1 for keys is not known: it is gone, and its log with it'),
    );
  });

  test('when a container was restarted more than once; the log of the one before is read', async () => {
    pod('keys-1');
    logs = { 'keys-1': [istiod()] };
    const before = await end();
    logs['keys-1 before'] = [...logs['keys-1']!, fetch('Go-browser')];
    logs['keys-1'] = [fetch('wget')];
    pod('keys-1', 1);
    expect(await fetches(before)).toEqual(['envoy', 'wget']);
    pod('keys-1', 2);
    await expect(fetches(before)).rejects.toMatchObject(error('its container was restarted 2 times'));
  });

  test('when a part of the log is gone', async () => {
    pod('keys-1');
    logs = { 'keys-1': [istiod()] };
    const before = await end();
    logs['keys-1'] = [];
    await expect(fetches(before)).rejects.toMatchObject(error('a part of its log is gone'));
    pod('keys-1', 1);
    await expect(fetches(before)).rejects.toMatchObject(error('a part of its log is gone'));
  });
});
