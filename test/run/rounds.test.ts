/** Rounds on a mesh that stays up: each is a whole run to reports. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { Event } from '../../src/base/events.ts';
import { plan } from '../../src/plan/plan.ts';
import { KeyRing } from '../../src/run/keys/key-ring.ts';
import { type RoundRequest, runRound } from '../../src/run/run-all.ts';
import { meshesOf } from '../../src/run/run-mesh.ts';
import { scenarioOf } from '../scenario/support.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { applyAuthorization, outline, scenarioSource, sendStep } from './support.ts';

const artifacts = mkdtempSync(join(tmpdir(), 'jwt-e2e-rounds-'));
afterAll(() => rmSync(artifacts, { recursive: true }));

function rounds(...targets: FakeTarget[]) {
  const meshes = meshesOf(targets);
  const keys = new KeyRing('abc123');
  return async (sources: readonly string[], more: Partial<RoundRequest> = {}) => {
    const events: Event[] = [];
    const scenarios = sources.map((source, index) => scenarioOf(source, 'documented', `file-${index}.yaml`));
    const exitCode = await runRound(meshes, {
      version: '0.0.0',
      plan: (facts, missing) => plan(scenarios, facts, missing, { canSwitchFetch: true }).groups,
      options: {
        runId: 'abc123',
        artifacts,
        images: {},
        showTokens: false,
        consecutive: 3,
        answersMs: 100,
        holdMs: 300,
      },
      keys,
      failFast: false,
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
      ...more,
    });
    return { events, exitCode };
  };
}
const plain = scenarioSource('plain', sendStep('s'));
const modes = scenarioSource('modes', sendStep('s'), 'mesh: { fetch: [istiod, envoy] }');
const callsOf = (target: FakeTarget, ...names: string[]) =>
  target.calls.filter((call) => names.includes(call.split(' ')[0] ?? ''));

test('the mesh is set up and begun once, and each round says what it is', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  const first = await round([plain]);
  const second = await round([plain]);
  expect(callsOf(target, 'up', 'begin', 'down')).toEqual(['up', 'begin']);
  expect(outline(second.events)).toEqual(outline(first.events));
  expect(outline(second.events).slice(0, 3)).toEqual(['run-started', 'mesh-ready', 'planned']);
});

test('a round begins in the fetch mode that the one before has left, and what needs none gets the first one', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  await round([modes]);
  await round([modes]);
  expect(callsOf(target, 'setIstiod')).toEqual([
    'setIstiod istiod',
    'setIstiod envoy',
    'setIstiod envoy',
    'setIstiod istiod',
  ]);
  target.mode = 'envoy';
  await round([plain]);
  expect(target.mode).toBe('istiod');
});

test('applications are applied again before anything is run, and not before the mesh is up', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  await round([plain], { reload: ['httpbin'] });
  expect(callsOf(target, 'reload')).toEqual([]);
  const before = target.calls.length;
  await round([plain], { reload: ['httpbin'] });
  expect(target.calls[before]).toBe('reload httpbin');
});

test('a round that is cut short undoes its scenario, ends no change of the mesh, and leaves it up', async () => {
  const target = new FakeTarget();
  const cut = new AbortController();
  let wasAborted: boolean | undefined;
  target.before = (method, signal) => {
    if (method === 'setIstiod') {
      cut.abort('saved');
      wasAborted = signal?.aborted;
    }
  };
  const round = rounds(target);
  const { events, exitCode } = await round([modes], { cut: cut.signal });
  expect(exitCode).toBe(130);
  expect(wasAborted).toBe(false);
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', interrupted: true });
  expect(callsOf(target, 'setIstiod', 'send', 'down')).toEqual(['setIstiod istiod']);
  target.before = () => {};
  expect((await round([plain])).exitCode).toBe(0);
});

const finished = (events: readonly Event[]) => events.at(-1) as Extract<Event, { type: 'run-finished' }>;
const scenariosOf = (events: readonly Event[]) =>
  events.flatMap((event) => (event.type === 'scenario-started' ? [event.scenario.id] : []));

test('a round says what run it is a part of, and how long it took', async () => {
  const before = performance.now();
  const shard = { index: 1, count: 2 };
  const { events } = await rounds(new FakeTarget())([plain], { shard, version: '1.2.3' });
  expect(events[0]).toEqual({
    type: 'run-started',
    at: expect.any(Number),
    runId: 'abc123',
    version: '1.2.3',
    meshes: undefined,
    shard,
  });
  expect(finished(events).durationMs).toBeLessThanOrEqual(performance.now() - before + 1);
  expect(Number.isInteger(finished(events).durationMs)).toBe(true);
});

test('what a round tells has tokens only where they are wanted', async () => {
  const told = async (showTokens: boolean) => {
    const round = rounds(new FakeTarget());
    const options = {
      runId: 'abc123',
      artifacts,
      images: {},
      consecutive: 1,
      answersMs: 100,
      holdMs: 300,
    };
    const { events } = await round([plain], { options: { ...options, showTokens } });
    return JSON.stringify(events).includes('<signature>');
  };
  expect(await told(false)).toBe(true);
  expect(await told(true)).toBe(false);
});

test('the plan is made of what the mesh is, and of what it cannot do', async () => {
  const target = new FakeTarget();
  target.missing.set('ingress', 'it has no gateway');
  const asked: unknown[] = [];
  await rounds(target)([], {
    plan: (...of) => {
      asked.push(of);
      return [];
    },
  });
  expect(asked).toEqual([[expect.objectContaining({ id: 'fake mesh' }), target.missing]]);
});

test('the version of Envoy is what the mesh says, of which answers depend', async () => {
  const policy = applyAuthorization.replace(
    /spec: .*/,
    'spec: { action: DENY, rules: [{ when: [{ key: "request.headers[x-role]", values: [admin] }] }] }',
  );
  const step = sendStep('s', '[403, 403]', policy).replace(
    'request: {',
    'request: { headers: { x-role: user, X-Role: admin },',
  );
  const why = async (envoy: string) => {
    const target = new FakeTarget();
    target.facts = { envoy };
    const { events } = await rounds(target)([scenarioSource('role', step)]);
    return events.flatMap((event) => (event.type === 'check-finished' ? [event.check.message] : []))[0];
  };
  expect(await why('1.36.0')).toContain('AuthorizationPolicy foo/require');
  expect(await why('1.38.0')).toBe('status 200 instead of 403');
});

describe('repetitions', () => {
  const failing = () => Object.assign(new FakeTarget(), { answer: () => 500 });

  test('go on after a failure, unless that is not wanted', async () => {
    const failFast = await rounds(failing())([plain], { repeat: 2, failFast: true });
    expect(scenariosOf(failFast.events)).toEqual(['plain#1']);
    const all = await rounds(failing())([plain], { repeat: 2 });
    expect(scenariosOf(all.events)).toEqual(['plain#1', 'plain#2']);
    const right = await rounds(new FakeTarget())([plain], { repeat: 2, failFast: true });
    expect(scenariosOf(right.events)).toEqual(['plain#1', 'plain#2']);
  });

  test('end when the round is cut short, and nothing is concluded then', async () => {
    const target = new FakeTarget();
    const cut = new AbortController();
    target.before = (method) => {
      if (method === 'undo') cut.abort('saved');
    };
    let isConcluded = false;
    const { events } = await rounds(target)([plain], {
      repeat: 2,
      cut: cut.signal,
      conclude: async () => {
        isConcluded = true;
        return [];
      },
    });
    expect(events.filter(({ type }) => type === 'planned')).toHaveLength(1);
    expect(isConcluded).toBe(false);
  });

  test('are concluded once, of the first of them, which may want nothing more', async () => {
    const asked: string[][] = [];
    const { events, exitCode } = await rounds(new FakeTarget())([plain], {
      repeat: 2,
      conclude: async (groups) => {
        asked.push(groups.flatMap(({ scenarios }) => scenarios.map(({ info }) => info.id)));
        return [];
      },
    });
    expect(asked).toEqual([['plain#1']]);
    expect(exitCode).toBe(0);
    expect(finished(events).problem).toBeUndefined();
  });
});

test('an application is applied again only on a target that can, and only when there is one', async () => {
  const target = new FakeTarget();
  const round = rounds(target);
  await round([plain]);
  await round([plain]);
  await round([plain], { reload: [] });
  expect(callsOf(target, 'reload')).toEqual([]);
  Object.assign(target, { reload: undefined });
  expect((await round([plain], { reload: ['httpbin'] })).exitCode).toBe(0);
});

test('what goes wrong in a round that was cut short is no problem of the mesh', async () => {
  const targets = ['1', '2'].map((mesh) => Object.assign(new FakeTarget(), { mesh }));
  const cut = new AbortController();
  for (const target of targets)
    target.before = (method) => {
      if (method !== 'setIstiod') return;
      cut.abort('saved');
      throw new HarnessError('E_ISTIO', 'it does not come up');
    };
  const { events } = await rounds(...targets)([modes], { cut: cut.signal });
  expect(events.map(({ type }) => type)).not.toContain('mesh-failed');
});
