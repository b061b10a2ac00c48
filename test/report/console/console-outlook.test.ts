/** What a run says before anything is done for it. */
import { describe, expect, test } from 'vitest';
import type { Event, Unstamped } from '../../../src/base/events.ts';
import { ConsoleReporter } from '../../../src/report/console/console.ts';
import { kind, stream } from '../fixture.ts';

async function said(events: readonly Unstamped[], stamps?: readonly number[]): Promise<string[]> {
  let text = '';
  const reporter = new ConsoleReporter({
    stream: { write: (more: string) => (text += more) },
    isTTY: false,
    width: 80,
    color: false,
    readLine: () => undefined,
    reports: {},
  });
  for (const [index, event] of stream([...events]).entries()) {
    reporter.handle({ ...event, at: stamps?.[index] ?? event.at } as Event);
  }
  await reporter.close();
  return text.trimEnd().split('\n');
}

const outlook: Unstamped = {
  type: 'outlook',
  target: 'kind',
  reason: '--target auto: Docker engine 28.2.2 answers',
  istio: ['1.31.1'],
  scenarios: { count: 9, checks: 114 },
  aboutMs: { mesh: 60_000, all: 86_940 },
};

test('which target and why, which Istio, how much, and about how long', async () => {
  expect(await said([outlook])).toEqual([
    'Target kind, Istio 1.31.1 (--target auto: Docker engine 28.2.2 answers)',
    '  114 checks in 9 scenarios; about 60 s until the mesh is there, 85 s in all, when nothing has to be fetched',
  ]);
});

test('what nobody knows beforehand is left out', async () => {
  expect(await said([{ ...outlook, istio: [], scenarios: undefined, aboutMs: undefined }])).toEqual([
    'Target kind (--target auto: Docker engine 28.2.2 answers)',
  ]);
});

test('why the target was taken is not said again once the mesh is there', async () => {
  const ready: Unstamped = { type: 'mesh-ready', mesh: kind };
  expect(await said([ready])).toHaveLength(2);
  expect(await said([outlook, ready])).toHaveLength(3);
});

test('programs that come from the same place are named together', async () => {
  const origins = { 'etcd 3.6.5': '/opt/mesh', 'envoy 1.40.0': 'PyPI', 'kube-apiserver 1.34.4': '/opt/mesh' };
  expect(
    await said([
      { type: 'programs', origins },
      { type: 'programs', mesh: 'old', origins: { a: 'b' } },
    ]),
  ).toEqual([
    '  programs: etcd 3.6.5, kube-apiserver 1.34.4 (/opt/mesh)',
    '  programs: envoy 1.40.0 (PyPI)',
    '  old: programs: a (b)',
  ]);
});

describe('what takes its time', () => {
  const compiling = (done: number): Unstamped => ({
    type: 'progress',
    message: 'build: compiling',
    work: { done, total: 300, unit: 'packages' },
  });
  const step = (message: string): Unstamped => ({ type: 'progress', message });

  test('is a line from time to time in a log, and none begins with "!"', async () => {
    const events = [
      step('build: 300 packages'),
      ...Array.from({ length: 40 }, (_, second) => compiling(second)),
    ];
    const lines = await said(
      events,
      events.map((_, index) => 1_000_000 + index * 1000),
    );
    expect(lines).toEqual([
      ' • build: 300 packages',
      ' • build: compiling: 0 of 300 packages',
      ' • build: compiling: 15 of 300 packages, 1.0 packages/s, about 4m 45s left',
      ' • build: compiling: 30 of 300 packages, 1.0 packages/s, about 4m 30s left',
    ]);
  });

  test('is not repeated when it says nothing new', async () => {
    expect(await said([step('build: linking'), step('build: linking'), step('done')])).toEqual([
      ' • build: linking',
      ' • done',
    ]);
  });
});
