import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { forwardedPort } from '../../../src/target/kubernetes/forwarded-port.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { httpAnswer } from '../../support/fake-exec.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const target = { namespace: 'foo', pod: 'edge', port: 80 };

/** Everything that comes over a connection to the port until it ends. */
async function get(address: string, path = '/'): Promise<string> {
  const [host = '', port] = address.split(':');
  const socket = connect(Number(port), host);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('utf8');
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
}

test('leads to the port of the pod, each time on a connection of its own', async () => {
  const asked: string[] = [];
  api.exec.onPort((session) => {
    const { namespace, pod, port } = session;
    session.answer = (path) => {
      asked.push(`${namespace}/${pod}:${port}${path}`);
      session.send(0, httpAnswer('hello'));
      session.cut();
      return undefined;
    };
  });
  const address = await forwardedPort(client, target);
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(await Promise.all([get(address, '/a'), get(address, '/b')])).toEqual([
    httpAnswer('hello'),
    httpAnswer('hello'),
  ]);
  expect(asked.sort()).toEqual(['foo/edge:80/a', 'foo/edge:80/b']);
});

test('is the same for the same port, and another one for another', async () => {
  const address = await forwardedPort(client, target);
  expect(await forwardedPort(client, target)).toBe(address);
  expect(await forwardedPort(client, { ...target, port: 81 })).not.toBe(address);
  expect(await forwardedPort(client, { ...target, pod: 'other' })).not.toBe(address);
});

test('loses nothing of an answer that is longer than what fits on the way', async () => {
  const body = 'x'.repeat(3_000_000);
  api.exec.onPort((session) => {
    session.answer = () => {
      const whole = httpAnswer(body);
      for (let at = 0; at < whole.length; at += 50_000) session.send(0, whole.slice(at, at + 50_000));
      session.end();
      return undefined;
    };
  });
  expect(await get(await forwardedPort(client, target))).toBe(httpAnswer(body));
});

test('closes the connection where the pod is not there or nobody listens, and goes with the client', async () => {
  const address = await forwardedPort(client, target);
  expect(await get(address)).toBe('');
  api.exec.onPort((session) => session.send(1, 'connection refused'));
  expect(await get(address)).toBe('');
  await client.close();
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});
