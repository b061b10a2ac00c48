import { describe, expect, test, vi } from 'vitest';
import { exec } from '../../src/kube/exec.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import type { FakeApi } from '../support/fake-api.ts';
import { unaborted } from '../support/signals.ts';
import { useFakeApi } from '../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const target = { namespace: 'foo', pod: 'sleep-1', container: 'sleep' };
const run = (options: Partial<Parameters<typeof exec>[3]> = {}, command = ['sh', '-c', 'echo "a b"']) =>
  exec(client, target, command, { signal: unaborted(), ...options });

describe.each(['v5.channel.k8s.io', 'v4.channel.k8s.io'])('over %s', (protocol) => {
  test('gives output, error output and exit code', async () => {
    api.onExec(
      (session) => {
        session.stdout('out 1\n');
        session.stderr('err\n');
        session.stdout('out 2\n');
        session.exit(0);
      },
      [protocol],
    );
    const result = await run();
    expect(result).toEqual({ stdout: Buffer.from('out 1\nout 2\n'), stderr: 'err\n', exitCode: 0 });
    expect(api.exec.sessions[0]).toMatchObject({
      ...target,
      protocol,
      command: ['sh', '-c', 'echo "a b"'],
    });
  });

  test('a command that fails has its exit code and is no error', async () => {
    api.onExec((session) => session.exit(42), [protocol]);
    expect(await run()).toMatchObject({ exitCode: 42 });
  });

  test('delivers standard input whole and does not close it', async () => {
    const stdin = `${'x'.repeat(300_000)}ü`;
    api.onExec(
      async (session) => {
        const received = await session.stdin(Buffer.byteLength(stdin));
        session.stdout(String(received === stdin));
        session.exit(0);
      },
      [protocol],
    );
    expect((await run({ stdin })).stdout.toString()).toBe('true');
  });

  test('the connection is closed when the command has ended', async () => {
    api.onExec((session) => session.exit(0), [protocol]);
    await run();
    await api.exec.sessions[0]?.gone();
    expect(api.exec.sessions[0]?.closed).toBe(true);
  });
});

test('puts a megabyte together that comes in many pieces, bytes as they are', async () => {
  const bytes = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31) % 256));
  api.onExec((session) => {
    for (let at = 0; at < bytes.length; at += 1000) session.stdout(bytes.subarray(at, at + 1000));
    session.exit(0);
  });
  expect((await run()).stdout.equals(bytes)).toBe(true);
});

test('a command that writes without an end is cut off, and hung up on', async () => {
  let isOpen = true;
  api.onExec(async (session) => {
    void session.gone().then(() => {
      isOpen = false;
    });
    while (isOpen) {
      session.stdout('x'.repeat(1000));
      await new Promise((go) => setImmediate(go));
    }
  });
  await expect(run({ maxBytes: 2 * 1024 * 1024 })).rejects.toMatchObject({
    code: 'E_EXEC',
    message: expect.stringContaining('the command wrote more than 2 MiB, and was cut off'),
  });
  await expect.poll(() => isOpen).toBe(false);
});

test('as much as it may write is no error, and of its errors the beginning is kept', async () => {
  api.onExec((session) => {
    session.stdout('x'.repeat(1024));
    for (let times = 0; times < 100; times++) session.stderr('e'.repeat(1000));
    session.exit(0);
  });
  const { stdout, stderr } = await run({ maxBytes: 1024 });
  expect([stdout.length, stderr]).toEqual([1024, 'e'.repeat(64 * 1024)]);
});

test('a command that cannot be started is an error with the reason', async () => {
  api.onExec((session) =>
    session.status({
      status: 'Failure',
      message: 'exec: "sh": executable file not found',
      reason: 'Internal',
    }),
  );
  await expect(run()).rejects.toMatchObject({
    code: 'E_EXEC',
    message: 'exec: "sh": executable file not found (foo/sleep-1, container sleep: sh)',
  });
});

test.each([
  ['closes', (session: { close(): void }) => session.close()],
  ['breaks', (session: { cut(): void }) => session.cut()],
])('a connection that %s without a status is an error, with the error output so far', async (_, end) => {
  api.onExec((session) => {
    session.stdout('half');
    session.stderr('sh: something\n');
    // Later, so that the frames have been sent.
    setTimeout(() => end(session), 20);
  });
  await expect(run()).rejects.toMatchObject({
    code: 'E_EXEC',
    message: 'the connection closed before the command ended (foo/sleep-1, container sleep: sh)',
    details: 'sh: something\n',
  });
});

test('a command that says nothing ends with its time', async () => {
  api.onExec(() => {});
  await expect(run({ timeoutMs: 60 })).rejects.toMatchObject({
    code: 'E_EXEC',
    message: expect.stringContaining('the command did not end within 0 s'),
  });
  await api.exec.sessions[0]?.gone();
});

test('ends when the signal is aborted, and hangs up', async () => {
  const controller = new AbortController();
  api.onExec(() => controller.abort('SIGTERM'));
  await expect(run({ signal: controller.signal })).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  await api.exec.sessions[0]?.gone();
  await expect(run({ signal: controller.signal })).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});

test('an API server that never answers keeps no connection open, which would keep the process alive', async () => {
  const before = api.connections;
  api.exec.refuse = 'hang';
  const pending = run({ timeoutMs: 200 });
  await expect.poll(() => api.connections).toBe(before + 1);
  await expect(pending).rejects.toMatchObject({ code: 'E_EXEC' });
  await expect.poll(() => api.connections).toBe(before);
});

test('says what is missing when it is forbidden', async () => {
  api.exec.refuse = 403;
  await expect(run()).rejects.toMatchObject({
    code: 'E_EXEC',
    message: 'cannot run a command: Unexpected server response: 403 (foo/sleep-1, container sleep: sh)',
    hint: 'The user of context fake must be allowed to create pods/exec in namespace foo.',
  });
});

test('says what the API server answered to anything else', async () => {
  api.exec.refuse = 404;
  await expect(run()).rejects.toMatchObject({ message: expect.stringContaining('404'), hint: undefined });
});

test('a server that says that a stream has ended closes nothing of ours, and what it sends is complete', async () => {
  const ended = vi.spyOn(process.stdout, 'end');
  api.onExec((session) => {
    session.stdout('all of it');
    session.send(255, Buffer.from([1]));
    session.exit(0);
  });
  expect((await run()).stdout.toString()).toBe('all of it');
  expect(ended).not.toHaveBeenCalled();
  ended.mockRestore();
});

test.each([
  ['an unknown stream', 9, 'x'],
  ['a status that is no JSON', 3, '<html>'],
])('%s is an error and does not end the process', async (_, channel, data) => {
  api.onExec((session) => session.send(channel, data));
  await expect(run()).rejects.toMatchObject({
    code: 'E_EXEC',
    message: expect.stringContaining('the API server sent what is not understood'),
  });
});

test('what comes after the status does not matter', async () => {
  api.onExec((session) => {
    session.exit(3);
    session.stdout('late');
    session.exit(0);
  });
  expect(await run()).toMatchObject({ exitCode: 3 });
  await new Promise((resolve) => setTimeout(resolve, 20));
});

test('a hundred commands on one signal leave no listener behind', async () => {
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, 'addEventListener');
  const removed = vi.spyOn(controller.signal, 'removeEventListener');
  const warned = vi.fn();
  process.on('warning', warned);
  api.onExec((session) => session.exit(0));
  await Promise.all(Array.from({ length: 100 }, () => run({ signal: controller.signal })));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  expect(warned).not.toHaveBeenCalled();
});
