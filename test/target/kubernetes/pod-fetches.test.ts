/** Who fetched, by logs of pods as an API server gives them; the clock of the node is another than ours. */
import { describe, expect, test, vi } from 'vitest';
import { timeouts } from '../../../src/base/timeouts.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { podFetches, podLogEnd } from '../../../src/target/kubernetes/pod-fetches.ts';
import { type FakeApi, failure } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
const signal = unaborted();
const pods = { namespace: 'foo', app: 'keys' };
/** Lines of each container; of one that was restarted, the ones before, too. A number is an error. */
let logs: Record<string, string[] | number>;
/** Whether what is written to a container comes to its log. */
let writes: boolean | 'lost';
let clock = 0;
useFakeApi((server, made) => {
  api = server;
  client = made;
  logs = {};
  writes = true;
  api.onExec((session) => {
    const text = session.command.at(-1)?.match(/^echo '(.*)' > \/proc\/1\/fd\/1$/)?.[1];
    if (text !== undefined && writes === true) add(session.pod, stamped(text));
    session.exit(writes === false ? 1 : 0);
  });
  api.rule('GET', /\/log$/, ({ path, query }) => {
    const name = path.split('/').at(-2) ?? '';
    const isBefore = query.previous === 'true';
    const lines = logs[isBefore ? `${name} before` : name] ?? (isBefore ? 400 : 404);
    if (query.container !== 'keys' || query.timestamps !== 'true') return failure(418, 'Wrong', 'what?');
    if (typeof lines === 'number') return failure(lines, 'Some', 'no such log');
    const tail = query.tailLines === undefined ? lines : lines.slice(-Number(query.tailLines));
    // One that was ended has not ended its last line.
    const text = isBefore ? tail.join('\n') : tail.map((line) => `${line}\n`).join('');
    return { status: 200, body: text.slice(0, Number(query.limitBytes)) };
  });
});

function add(pod: string, ...lines: string[]): void {
  const log = logs[pod];
  if (Array.isArray(log)) log.push(...lines);
}

/** In a year that has long been over. */
function stamped(line: string): string {
  clock += 1;
  return `2001-01-01T00:00:00.${String(clock).padStart(9, '0')}Z ${line}`;
}
const fetch = (agent: string) =>
  stamped(`10.0.0.1 - - [01/Jan/2001:00:00:00 +0000] "GET /get_jwks HTTP/1.1" 200 5 "-" "${agent}"`);
const istiod = () => fetch('Go-http-client/1.1');

function pod(
  name: string,
  restartCount = 0,
  more: { deletionTimestamp?: string; uid?: string } = {},
  { state = 'running', ...spec }: { state?: string; shareProcessNamespace?: boolean } = {},
): void {
  const statusOf = (container: string, restarts: number, how: string) => ({
    name: container,
    ready: true,
    restartCount: restarts,
    state: { [how]: {} },
  });
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'foo', labels: { app: 'keys' }, uid: `uid-${name}` },
    spec: { containers: [{ name: 'keys', image: 'x' }], ...spec },
    status: {
      containerStatuses: [statusOf('istio-proxy', 7, 'running'), statusOf('keys', restartCount, state)],
    },
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
  add('keys-1', stamped('x'.repeat(33 * 1024 * 1024)), istiod());
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
  add('keys-1', fetch('Go-browser'));
  add('keys-2', fetch('wget'), stamped('noise'));
  expect(await fetches(before)).toEqual(['envoy', 'wget']);
  expect(await fetches(await end())).toEqual([]);
});

test('a pod that comes later counts as a whole, with the container before a restart', async () => {
  const before = await end();
  pod('keys-1');
  pod('keys-2', 1);
  logs = { 'keys-1': [istiod()], 'keys-2': [fetch('wget')], 'keys-2 before': [fetch('Go-browser')] };
  expect(await fetches(before)).toEqual(['istiod', 'envoy', 'wget']);
});

test('pods of others, and other paths, do not count', async () => {
  pod('keys-1');
  const other = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [] } };
  api.put({ ...other, metadata: { name: 'other', namespace: 'foo', labels: { app: 'other' } } });
  api.put({ ...other, metadata: { name: 'away', namespace: 'bar', labels: { app: 'keys' } } });
  logs = { 'keys-1': [], other: [], away: [] };
  const before = await end();
  add('keys-1', stamped(fetch('wget').replace('/get_jwks', '/healthz').slice(31)), istiod());
  add('other', istiod());
  add('away', istiod());
  expect(await fetches(before)).toEqual(['istiod']);
});

test('a container that has not started yet has logged nothing, and nothing is written to it', async () => {
  pod('keys-1', 0, {}, { state: 'waiting' });
  pod('keys-2', 0, { deletionTimestamp: '2001-01-01T00:00:00Z' });
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'keys-3', namespace: 'foo', labels: { app: 'keys' } },
    spec: { containers: [] },
  });
  logs = { 'keys-1': 400, 'keys-2': [istiod()], 'keys-3': 400 };
  const before = await end();
  expect(await fetches(before)).toEqual([]);
  logs['keys-1'] = [istiod()];
  expect(await fetches(before)).toEqual(['istiod']);
  expect(api.exec.sessions).toEqual([]);
});

test('an error of the API server is one', async () => {
  pod('keys-1', 0, {}, { state: 'terminated' });
  logs = { 'keys-1': [] };
  const before = await end();
  logs['keys-1'] = 500;
  await expect(end()).rejects.toMatchObject({ code: 'E_KUBE', status: 500 });
  await expect(fetches(before)).rejects.toMatchObject({ code: 'E_KUBE', status: 500 });
});

describe('a log is waited for', () => {
  test('until it has what was written to it just now', async () => {
    pod('keys-1');
    logs = { 'keys-1': [] };
    const before = await end();
    let late: string[] = [];
    api.onExec((session) => {
      late = [istiod(), stamped(session.command.at(-1)?.match(/'(.*)'/)?.[1] ?? '')];
      setTimeout(() => add('keys-1', ...late), 300);
      session.exit(0);
    });
    expect(await fetches(before)).toEqual(['istiod']);
    expect(late).toHaveLength(2);
  });

  test('by its end only, as it may be long', async () => {
    pod('keys-1');
    logs = { 'keys-1': [istiod(), istiod()] };
    const before = await end();
    await fetches(before);
    const tails = api.requests
      .filter(({ path }) => path.endsWith('/log'))
      .map(({ query }) => query.tailLines);
    expect(tails).toEqual(['1', '1000', undefined]);
    expect(JSON.parse(before)).toMatchObject({ 'uid-keys-1': { name: 'keys-1' } });
  });

  test('as long as is usual, where nothing can be written to it', async () => {
    for (const [index, name] of ['keys-1', 'keys-2', 'keys-3'].entries())
      pod(name, 0, {}, { shareProcessNamespace: index === 0 });
    logs = { 'keys-1': [], 'keys-2': [], 'keys-3': [] };
    const before = await end();
    api.onExec((session) => (session.pod === 'keys-2' ? session.exit(1) : session.cut()));
    setTimeout(() => {
      for (const name of Object.keys(logs)) add(name, fetch(name));
    }, timeouts.podLogUsual * 0.7);
    expect(await fetches(before)).toEqual(['keys-1', 'keys-2', 'keys-3']);
    // Process 1 of the first one is another container.
    expect(api.exec.sessions.map((session) => session.pod).toSorted()).toEqual(['keys-2', 'keys-3']);
  });

  test('and not for ever', async () => {
    pod('keys-1');
    logs = { 'keys-1': [] };
    writes = 'lost';
    const before = await end();
    const looks = () => api.requests.filter(({ query }) => query.tailLines === '1000').length;
    const now = performance.now.bind(performance);
    const later = vi
      .spyOn(performance, 'now')
      .mockImplementation(() => now() + (looks() < 2 ? 0 : timeouts.podLog));
    try {
      await expect(fetches(before)).rejects.toMatchObject({
        code: 'E_UNPROVEN',
        message:
          'a line that was written to the log of pod foo/keys-1, container keys, being read there did not happen within 10 s: it is not there',
      });
    } finally {
      later.mockRestore();
    }
    expect(looks()).toBe(2);
  });

  test('until it is interrupted', async () => {
    pod('keys-1');
    logs = { 'keys-1': [] };
    const before = await end();
    const own = new AbortController();
    api.onExec(() => own.abort());
    await expect(podFetches(client, pods, '/get_jwks', before, own.signal)).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
    });
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

  test('when another pod has the name of one that is gone', async () => {
    pod('keys-1');
    logs = { 'keys-1': [] };
    const before = await end();
    pod('keys-1', 0, { uid: 'another' });
    await expect(fetches(before)).rejects.toMatchObject({
      ...error('pod foo/keys-1'),
      hint: 'Change the pods of a key server in a step of its own, before the one that says who fetched.',
    });
  });

  test('when a container was restarted more than once; the log of the one before is read', async () => {
    pod('keys-1');
    logs = { 'keys-1': [istiod()] };
    const before = await end();
    logs['keys-1 before'] = [...(logs['keys-1'] as string[]), fetch('Go-browser')];
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
    pod('keys-1', 0, {}, { state: 'terminated' });
    logs['keys-1'] = 404;
    await expect(fetches(before)).rejects.toMatchObject(error('a part of its log is gone'));
  });
});
