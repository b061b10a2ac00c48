/** One run on several meshes, which are fakes; what is tested is who is told what, and what stops whom. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { Event, Unstamped } from '../../src/base/events.ts';
import { ofMesh } from '../../src/base/events.ts';
import { ResultModel } from '../../src/report/model.ts';
import { capacityNow, meshesAtOnce } from '../../src/run/several.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { applyAuthorization, run, scenarioSource, sendStep } from './support.ts';

const one = scenarioSource('one', sendStep('before') + sendStep('after', '[403, 200]', applyAuthorization));
const two = scenarioSource('two', sendStep('only'));

/** Enforces what is applied, or nothing at all. */
function mesh(istio: string, enforces = true): FakeTarget {
  const target = new FakeTarget();
  target.mesh = `istio-${istio}`;
  target.facts = { istio, id: 'the same for all' };
  target.answer = ({ headers }) => {
    const hasToken = headers.some(([name]) => name === 'Authorization');
    return !enforces || hasToken || !target.objects.has('AuthorizationPolicy foo/require') ? 200 : 403;
  };
  return target;
}

/** Waits at this method until all of them are there: they only come together when they work at the same time. */
function meetAt(targets: readonly FakeTarget[], place: keyof FakeTarget): void {
  let missing = targets.length;
  let open = () => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  for (const target of targets) {
    let isFirst = true;
    target.before = (method) => {
      if (method !== place || !isFirst) return undefined;
      isFirst = false;
      missing -= 1;
      if (missing === 0) open();
      return all;
    };
  }
}

const meshesOf = (events: readonly Event[], type: Event['type']) =>
  events.filter((event) => event.type === type).map((event) => ('mesh' in event ? event.mesh : undefined));

function resultOf(events: readonly Event[]) {
  const model = new ResultModel();
  for (const event of events) model.add(event);
  return model.result();
}

describe('two meshes', () => {
  test('are tested at the same time, as one run', async () => {
    const targets = [mesh('1.30.3'), mesh('1.31.0')];
    meetAt(targets, 'apply');
    const { events, exitCode } = await run([one, two], { targets });
    expect(exitCode).toBe(0);
    const [first, ...rest] = events;
    expect(first).toMatchObject({ type: 'run-started', meshes: ['istio-1.30.3', 'istio-1.31.0'] });
    expect(rest.filter(({ type }) => type === 'run-started' || type === 'run-finished')).toEqual([
      expect.objectContaining({ exitCode: 0, counts: { passed: 12, failed: 0, error: 0, skipped: 0 } }),
    ]);
    for (const target of targets) expect(target.calls.at(-1)).toBe('down');
  });

  test('every event of a scenario names its mesh, so that reports need not guess', async () => {
    const targets = [mesh('1.30.3'), mesh('1.31.0', false)];
    meetAt(targets, 'apply');
    const { events } = await run([one], { targets });
    for (const type of ['planned', 'step-started', 'step-applied', 'step-held', 'check-finished'] as const) {
      const named = new Set(meshesOf(events, type));
      expect(named, type).toEqual(new Set(['istio-1.30.3', 'istio-1.31.0']));
    }
    const { scenarios, counts, differences } = resultOf(events);
    expect(scenarios.map(({ info, state, steps }) => [info.mesh, state, steps.length])).toEqual([
      ['istio-1.30.3', 'passed', 2],
      ['istio-1.31.0', 'failed', 2],
    ]);
    expect(counts).toMatchObject({ passed: 7, failed: 1 });
    expect(differences).toEqual([
      {
        scenario: 'one',
        check: 'one/after//headers/no token',
        answers: [
          { mesh: 'istio-1.30.3', state: 'passed', status: 403 },
          { mesh: 'istio-1.31.0', state: 'failed', status: 200 },
        ],
      },
    ]);
  });

  test('keep their evidence apart', async () => {
    const { checks, artifacts } = await run([one], { targets: [mesh('1', false), mesh('2', false)] });
    const folders = checks.flatMap(({ evidence }) => evidence ?? []);
    expect(new Set(folders.map((folder) => folder.split('/')[0]))).toEqual(new Set(['istio-1', 'istio-2']));
    expect(folders).toHaveLength(2);
    for (const folder of folders) expect(existsSync(join(artifacts, folder, 'check.json'))).toBe(true);
  });

  test('with the same name are told apart all the same', async () => {
    const { events } = await run([two], { targets: [mesh('1'), mesh('1')] });
    expect(events[0]).toMatchObject({ meshes: ['istio-1', 'istio-1-2'] });
    expect(resultOf(events).scenarios).toHaveLength(2);
  });

  test('work one after the other when only one is to be up at a time', async () => {
    const targets = [mesh('1'), mesh('2')];
    const order: string[] = [];
    for (const target of targets) {
      target.before = (method) => {
        if (method === 'up' || method === 'down') order.push(`${method} ${target.mesh}`);
      };
    }
    await run([one], { targets, atOnce: 1 });
    expect(order).toEqual(['up istio-1', 'down istio-1', 'up istio-2', 'down istio-2']);
  });
});

describe('trouble with one mesh', () => {
  const broken = (code: 'E_ISTIO' | 'E_KUBE', at: keyof FakeTarget = 'up') => {
    const target = mesh('broken');
    target.before = (method) => {
      if (method === at) throw new HarnessError(code, 'it does not start');
    };
    return target;
  };

  test('does not stop the other, is told with its name, and ends with 4', async () => {
    const targets = [broken('E_ISTIO'), mesh('1')];
    const { events, exitCode, checks } = await run([one], { targets });
    expect(exitCode).toBe(4);
    expect(checks.map(({ state }) => state)).toEqual(['passed', 'passed', 'passed', 'passed']);
    expect(events.filter(({ type }) => type === 'mesh-failed')).toEqual([
      expect.objectContaining({
        mesh: 'istio-broken',
        problem: { code: 'E_ISTIO', message: 'it does not start' },
      }),
    ]);
    expect(events.at(-1)).not.toHaveProperty('problem.code');
    expect(targets[0]?.calls.at(-1)).toBe('down');
  });

  test('counts less than a failed check of the other', async () => {
    const { exitCode } = await run([one], { targets: [broken('E_ISTIO'), mesh('1', false)] });
    expect(exitCode).toBe(1);
  });

  test('while it is taken down is told too', async () => {
    const { events, exitCode } = await run([one], { targets: [broken('E_KUBE', 'down'), mesh('1')] });
    expect(exitCode).toBe(4);
    expect(meshesOf(events, 'mesh-failed')).toEqual(['istio-broken']);
  });

  test('a selection that only one of them has no use for is no wrong usage', async () => {
    const targets = [mesh('1'), mesh('2')];
    const { events, exitCode } = await run([one], {
      targets,
      leaveOut: (facts) => facts.id === 'istio-2',
    });
    expect(exitCode).toBe(4);
    expect(meshesOf(events, 'mesh-failed')).toEqual(['istio-2']);
    expect(events.at(-1)).not.toHaveProperty('problem.code');
  });

  test('a selection that nothing matches is no fault of a mesh, and told once', async () => {
    const { events, exitCode } = await run([], { targets: [mesh('1'), mesh('2')] });
    expect(exitCode).toBe(2);
    expect(meshesOf(events, 'mesh-failed')).toEqual([]);
    expect(events.at(-1)).toMatchObject({ problem: { code: 'E_USAGE' } });
  });
});

test('--fail-fast is for the whole run: no other mesh is set up for nothing', async () => {
  const targets = [mesh('1', false), mesh('2')];
  const { events, exitCode, checks } = await run([one, two], { targets, atOnce: 1, failFast: true });
  expect(exitCode).toBe(1);
  expect(targets[1]?.calls).toEqual([]);
  expect(meshesOf(events, 'mesh-failed')).toEqual(['istio-2']);
  expect(events.find(({ type }) => type === 'mesh-failed')).toMatchObject({
    problem: { code: 'E_NOTHING_TESTED', message: expect.stringContaining('--fail-fast') },
  });
  expect(checks.filter(({ state }) => state === 'skipped')).toHaveLength(2);
});

test('an interruption ends all, and takes all down', async () => {
  const targets = [mesh('1'), mesh('2'), mesh('3')];
  const controller = new AbortController();
  for (const target of targets) {
    target.before = (method) => {
      if (method === 'send') controller.abort('SIGTERM');
    };
  }
  const { events, exitCode } = await run([one], { targets, atOnce: 2, signal: controller.signal });
  expect(exitCode).toBe(143);
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', interrupted: true });
  expect(targets.map(({ calls }) => calls.at(-1))).toEqual(['down', 'down', undefined]);
  expect(meshesOf(events, 'mesh-failed')).toEqual([]);
});

test('ofMesh names the mesh of what a target tells', () => {
  const told: Unstamped[] = [];
  const progress = ofMesh('istio-1', (event) => told.push(event));
  progress({ type: 'phase-started', phase: 'starting' });
  progress({ type: 'warning', message: 'slow' });
  expect(told).toEqual([
    { type: 'phase-started', phase: 'starting', mesh: 'istio-1' },
    { type: 'warning', message: 'slow', mesh: 'istio-1' },
  ]);
});

describe('how many meshes at a time', () => {
  const gib = 1024 ** 3;
  test.each([
    // meshes, --jobs, memory in GiB, processors, expected
    [3, undefined, 23, 8, 3],
    [3, undefined, 4, 8, 2],
    [3, undefined, 23, 2, 2],
    [3, undefined, 0.5, 8, 1],
    [1, undefined, 64, 64, 1],
    [3, 3, 0.5, 1, 3],
    [3, 1, 64, 64, 1],
    [2, 9, 64, 64, 2],
  ])('%d meshes, --jobs %s, %d GiB, %d processors: %d', (meshes, jobs, memory, processors, expected) => {
    expect(meshesAtOnce(meshes, jobs, { memory: memory * gib, processors })).toBe(expected);
  });

  test('this machine has some memory, and a processor', () => {
    const { memory, processors } = capacityNow();
    expect(memory).toBeGreaterThan(1e8);
    expect(processors).toBeGreaterThanOrEqual(1);
  });

  test('in a container it has no more memory than that may use', () => {
    const limit = vi.spyOn(process, 'availableMemory').mockReturnValue(1000);
    expect(capacityNow().memory).toBe(1000);
    limit.mockRestore();
  });
});
