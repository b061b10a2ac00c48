import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CheckResult, Problem } from '../../src/base/events.ts';
import { ScenarioRun } from '../../src/vitest-plugin/scenario-run.ts';
import type { FileLine, FileRequest } from '../../src/vitest-plugin/vitest-protocol.ts';

let folder: string;
let server: Server;
/** Resolves when a test file has asked. */
let asked: Promise<{ readonly request: FileRequest; readonly socket: Socket }>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-run-'));
  server = createServer();
  asked = new Promise((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      createInterface({ input: socket }).once('line', (line) =>
        resolve({ request: JSON.parse(line) as FileRequest, socket }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'files'), resolve));
});

afterEach(async () => {
  (await asked).socket.destroy();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = () =>
  new ScenarioRun(join(folder, 'files'), { file: '/somewhere/one.yaml', checks: ['a', 'b'] });
const never = () => new AbortController().signal;
const tell = async (...lines: FileLine[]) => {
  const { socket } = await asked;
  socket.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
};
const passed = (id: string) => ({ id, state: 'passed' }) as CheckResult;
const problem: Problem = { code: 'E_NOT_READY', message: 'httpbin is not ready' };

test('asks for its file, and gets results as they come', async () => {
  const run = start();
  expect((await asked).request).toEqual({ file: '/somewhere/one.yaml', checks: ['a', 'b'] });
  await tell({ type: 'ready', leftOut: { c: 'needs istio >=1.40' } });
  await run.ready();
  expect(await run.check('c', never())).toBe('needs istio >=1.40');
  const [second, first] = [run.check('b', never()), run.check('a', never())];
  await tell({ type: 'check', check: passed('a') });
  expect(await first).toEqual(passed('a'));
  await tell({ type: 'check', check: passed('b') }, { type: 'finished' });
  expect(await second).toEqual(passed('b'));
  await run.finished();
});

test('that there is no mesh is told once', async () => {
  const run = start();
  await tell({ type: 'finished', problem: { code: 'E_DOCKER', message: 'no engine answers' } });
  await expect(run.ready()).rejects.toMatchObject({ name: 'E_DOCKER', message: 'no engine answers' });
  await run.finished();
});

test('what kept the scenario from coming to a check is the error of the check', async () => {
  const run = start();
  await tell({ type: 'ready', leftOut: {} }, { type: 'finished', problem });
  await expect(run.check('a', never())).rejects.toMatchObject({ name: 'E_NOT_READY' });
});

test('what went wrong at the end is told, unless a check has told it', async () => {
  const run = start();
  await tell(
    { type: 'ready', leftOut: {} },
    { type: 'check', check: passed('a') },
    { type: 'finished', problem },
  );
  await expect(run.finished()).rejects.toMatchObject({ message: 'httpbin is not ready' });
});

test('what a check has told is not told again', async () => {
  const run = start();
  const check = { ...passed('a'), state: 'error', message: problem.message } as CheckResult;
  await tell({ type: 'ready', leftOut: {} }, { type: 'check', check }, { type: 'finished', problem });
  await run.finished();
});

test('a test that is cancelled interrupts the scenario at once', async () => {
  const run = start();
  await tell({ type: 'ready', leftOut: {} });
  await run.ready();
  const abort = new AbortController();
  const waiting = run.check('a', abort.signal);
  const { socket } = await asked;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'E_INTERRUPTED' });
  await closed;
  await run.finished();
});

test('it is an error when the process that holds the mesh ends', async () => {
  const run = start();
  await tell({ type: 'ready', leftOut: {} });
  await run.ready();
  (await asked).socket.destroy();
  await expect(run.check('a', never())).rejects.toThrow('the process that holds the mesh has ended');
});
