import { expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { getAdmin, istiodAdmin, proxyAdmin } from '../../../src/target/kubernetes/admin.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { httpAnswer } from '../../support/fake-exec.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});
const signal = unaborted();
const proxy = proxyAdmin('foo', 'web');
const istiod = istiodAdmin('istio-system', 'istiod-1');

function commands(): string[] {
  return api.exec.sessions.map(({ pod, container, command }) => `${pod} ${container}: ${command.join(' ')}`);
}
function answerCommands(exitCode = 0): void {
  api.onExec((session) => {
    session.stdout('by command');
    session.stderr('some reason');
    session.exit(exitCode);
  });
}

test('the port is asked, and no command is run', async () => {
  answerCommands();
  api.exec.onPort((session) => {
    session.answer = (path) => httpAnswer(`${session.port}${path}`);
  });
  expect(await getAdmin(client, proxy, 'server_info', signal)).toBe('15000/server_info');
  expect(await getAdmin(client, istiod, '/debug/syncz', signal)).toBe('8080/debug/syncz');
  expect(commands()).toEqual([]);
});

test('where ports cannot be reached, a command asks, and only the first time the port as well', async () => {
  answerCommands();
  let tries = 0;
  api.exec.onPort((session) => {
    tries += 1;
    session.send(1, 'connection refused');
  });
  for (const admin of [proxy, proxy, istiod, istiod, proxy])
    expect(await getAdmin(client, admin, '/x', signal)).toBe('by command');
  expect(tries).toBe(2);
  expect(commands()).toEqual([
    'web istio-proxy: pilot-agent request GET /x',
    'web istio-proxy: pilot-agent request GET /x',
    'istiod-1 discovery: pilot-discovery request GET /x',
    'istiod-1 discovery: pilot-discovery request GET /x',
    'web istio-proxy: pilot-agent request GET /x',
  ]);
});

test('a pod that is gone says nothing of others', async () => {
  answerCommands(1);
  await expect(getAdmin(client, proxy, '/x', signal)).rejects.toMatchObject({
    code: 'E_EXEC',
    message: 'istio-proxy of foo/web does not answer /x',
    details: 'some reason',
  });
  api.exec.onPort((session) => {
    session.answer = () => httpAnswer('by port');
  });
  expect(await getAdmin(client, proxy, '/x', signal)).toBe('by port');
});

test('nobody is asked any more after an interruption', async () => {
  answerCommands();
  const own = new AbortController();
  api.exec.onPort(() => own.abort());
  await expect(getAdmin(client, proxy, '/x', own.signal)).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  expect(commands()).toEqual([]);
});
