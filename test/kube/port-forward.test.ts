import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { getFromPod } from '../../src/kube/port-forward.ts';
import type { FakeApi } from '../support/fake-api.ts';
import { httpAnswer, type PortSession } from '../support/fake-exec.ts';
import { unaborted } from '../support/signals.ts';
import { useFakeApi } from '../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
let sessions: PortSession[];
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});
beforeEach(() => {
  sessions = [];
});

const target = { namespace: 'foo', pod: 'web.1', port: 15000 };
const options = { signal: unaborted(), timeoutMs: 2_000 };
const get = (path = '/x', to = target) => getFromPod(client, to, path, options);

/** What pods answer, and how often they were asked on which connection. */
function answering(answer: (path: string, session: PortSession) => string | undefined): void {
  api.exec.onPort((session) => {
    sessions.push(session);
    session.answer = (path) => answer(path, session);
  });
}

test('asks the port of the pod, and over the same connection again', async () => {
  answering((path, { pod }) => httpAnswer(`${pod}${path}`));
  expect(await get('a?b=c')).toBe('web.1/a?b=c');
  expect(await get('/d')).toBe('web.1/d');
  expect(sessions).toHaveLength(1);
  expect(sessions[0]).toMatchObject({ ...target, paths: ['/a?b=c', '/d'] });
});

test('each pod, port and namespace has connections of its own', async () => {
  answering((_, { namespace, pod, port }) => httpAnswer(`${namespace} ${pod} ${port}`));
  for (const [more, answer] of [
    [{}, 'foo web.1 15000'],
    [{ port: 8080 }, 'foo web.1 8080'],
    [{ namespace: 'bar' }, 'bar web.1 15000'],
    [{ pod: 'web' }, 'foo web 15000'],
  ] as const) {
    expect(await get('/', { ...target, ...more })).toBe(answer);
  }
  expect(sessions).toHaveLength(4);
});

test('those who ask at the same time do not wait for each other', async () => {
  answering((path) => httpAnswer(path));
  expect(await Promise.all(['/a', '/b', '/c'].map((path) => get(path)))).toEqual(['/a', '/b', '/c']);
});

test('an answer in many frames is put together', async () => {
  const body = 'x'.repeat(200_000);
  answering((_, session) => {
    const whole = httpAnswer(body);
    for (let at = 0; at < whole.length; at += 10_000) session.send(0, whole.slice(at, at + 10_000));
    return undefined;
  });
  expect(await get()).toBe(body);
});

describe('an error says what is wrong:', () => {
  test('the pod is not there', async () => {
    await expect(get()).rejects.toMatchObject({
      code: 'E_EXEC',
      message: expect.stringMatching(/^port 15000 of pod foo\/web\.1 cannot be asked: .*404/),
    });
  });

  test('nobody listens on the port', async () => {
    api.exec.onPort((session) => session.send(1, 'connection refused'));
    await expect(get()).rejects.toMatchObject({
      code: 'E_EXEC',
      message: 'port 15000 of pod foo/web.1 cannot be asked: connection refused',
    });
  });

  test('the answer is another one than 200', async () => {
    answering(() => httpAnswer('no such page', 404));
    await expect(get()).rejects.toMatchObject({
      code: 'E_EXEC',
      message: 'port 15000 of pod foo/web.1 answers /x with 404',
      details: 'no such page',
    });
  });

  test('the connection breaks', async () => {
    answering((_, session) => {
      session.send(0, 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
      session.cut();
      return undefined;
    });
    await expect(get()).rejects.toMatchObject({ code: 'E_EXEC' });
  });

  test('it is no HTTP', async () => {
    answering(() => 'hello\r\n\r\n');
    await expect(get()).rejects.toMatchObject({ code: 'E_EXEC' });
  });

  test('nothing comes', async () => {
    answering(() => undefined);
    await expect(getFromPod(client, target, '/x', { ...options, timeoutMs: 100 })).rejects.toMatchObject({
      code: 'E_EXEC',
      message: expect.stringContaining('took longer than'),
    });
  });
});

test('after a connection has broken, another one is opened', async () => {
  answering(() => httpAnswer('yes'));
  await get();
  sessions[0]?.cut();
  await expect.poll(() => get().catch(() => 'no')).toBe('yes');
  expect(sessions).toHaveLength(2);
});

test('an interruption ends it', async () => {
  const controller = new AbortController();
  answering(() => {
    controller.abort('SIGTERM');
    return undefined;
  });
  await expect(
    getFromPod(client, target, '/x', { ...options, signal: controller.signal }),
  ).rejects.toMatchObject({
    code: 'E_INTERRUPTED',
  });
});

test('closing the client closes the connections', async () => {
  answering(() => httpAnswer('yes'));
  await get();
  await client.close();
  await get();
  expect(sessions).toHaveLength(2);
});
