import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Event, HarnessError, type RunOptions, resultOf, run } from '../../src/api/index.ts';

let folder: string;
/** A target that cannot be had: none of its programs are there. */
let nowhere: RunOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-api-'));
  // What the person or the CI that runs these tests has set is for them.
  for (const name of Object.keys(process.env)) if (name.startsWith('JWT_E2E_')) vi.stubEnv(name, '');
  vi.stubEnv('XDG_CACHE_HOME', folder);
  const settings = { programs: folder, 'no-download': true, 'no-build': true, artifacts: join(folder, 'a') };
  nowhere = { target: 'local', grep: 'require-jwt', settings };
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function eventsOf(options: RunOptions): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of run(options)) events.push(event);
  return events;
}

test('that there can be no mesh is told by events, the last of which has the reason', async () => {
  const events = await eventsOf(nowhere);
  expect(events[0]).toMatchObject({ type: 'outlook', target: 'local' });
  expect(events[1]).toMatchObject({ type: 'run-started' });
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', exitCode: 4, problem: { code: 'E_PROGRAM' } });
  const result = await resultOf(events);
  expect(result).toMatchObject({ exitCode: 4, run: { state: 'finished', problem: { code: 'E_PROGRAM' } } });
});

test('what a run amounts to can be had from the run itself', async () => {
  expect(await resultOf(run(nowhere))).toMatchObject({ schemaVersion: 1, exitCode: 4 });
});

test('neither target can be had: the same, although there is no target at all', async () => {
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:9');
  const events = await eventsOf({ ...nowhere, target: 'auto' });
  expect(events.map(({ type }) => type)).toEqual(['run-started', 'run-finished']);
  expect(events[1]).toMatchObject({ exitCode: 4, problem: { code: 'E_DOCKER' } });
});

test('a signal that is aborted ends it, and the last event says so', async () => {
  const abort = new AbortController();
  const events: Event[] = [];
  for await (const event of run({ ...nowhere, signal: abort.signal })) {
    events.push(event);
    abort.abort('SIGTERM');
  }
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', exitCode: 143, interrupted: true });
});

test.each<[string, RunOptions, object]>([
  ['a setting', { settings: { 'no-such': true } } as RunOptions, { code: 'E_USAGE' }],
  ['an option', { flies: ['a'] } as RunOptions, { message: 'there is no setting "flies"' }],
  ['a path', { files: ['no/such/folder'] }, { code: 'E_USAGE', message: 'no/such/folder does not exist' }],
  [
    'settings that contradict each other',
    { target: 'kind', settings: { envoy: '1.36.4' } },
    { code: 'E_USAGE' },
  ],
])('wrong usage throws on the first step: %s', async (_, options, error) => {
  const next = run({ ...options }).next();
  await expect(next).rejects.toBeInstanceOf(HarnessError);
  await expect(next).rejects.toMatchObject(error);
});

test('mistakes in scenario files are one error, with the place of the first', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'name: wrong\ntitel: x\nsteps: []\n');
  const next = run({ ...nowhere, files: [file] }).next();
  await expect(next).rejects.toMatchObject({
    code: 'E_SCENARIO',
    message: expect.stringMatching(/ and \d+ more$/),
    place: { file, line: expect.any(Number) },
    details: expect.stringContaining(`${file}:2:1: unknown key "titel"`),
  });
});

test('what is named beside the settings takes precedence over them', async () => {
  const events = await eventsOf({ ...nowhere, settings: { ...nowhere.settings, target: 'kind' } });
  expect(events.at(-1)).toMatchObject({ problem: { code: 'E_PROGRAM' } });
});
