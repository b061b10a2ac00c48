import { afterEach, describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { Mesh, meshesOf } from '../../src/run/run-mesh.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { unaborted } from '../support/signals.ts';

afterEach(() => {
  vi.useRealTimers();
});

const named = (mesh?: string) => Object.assign(new FakeTarget(), { mesh });
const callsOf = ({ calls }: FakeTarget) => calls.join(', ');

describe('labels', () => {
  const labels = (...targets: FakeTarget[]) => meshesOf(targets).map(({ label }) => label);

  test('are only for several, each has its own, and they are those of the targets where these have one', () => {
    expect(labels(named('a'))).toEqual([undefined]);
    expect(labels(named('a'), named('b'))).toEqual(['a', 'b']);
    expect(labels(named('a'), named('b'), named('a'), named())).toEqual(['a', 'b', 'a-3', 'fake-4']);
    expect(labels()).toEqual([]);
  });

  test('are names of folders, as far as a file system takes them', () => {
    const folder = (label: string | undefined) => new Mesh(named(), label).folder;
    expect(folder(undefined)).toBeUndefined();
    expect(folder('istio-1.30.3@a=b')).toBe('istio-1.30.3@a=b');
    for (const label of ['..', '.hidden', 'a/b', 'a b', 'x'.repeat(102)])
      expect(folder(label), label).toMatch(/-[0-9a-f]{6}$/);
    expect(folder('x'.repeat(101))).toBe('x'.repeat(101));
  });
});

test('a mesh is set up once, and says each time what it is, by its label', async () => {
  const target = named();
  const mesh = new Mesh(target, 'mine');
  const told: unknown[] = [];
  expect(mesh.facts).toBeUndefined();
  expect(mesh.begun).toBe(false);
  const facts = await mesh.ready((event) => told.push(event), unaborted());
  await mesh.ready((event) => told.push(event), unaborted());
  expect(facts).toMatchObject({ id: 'mine', istio: '1.31.1' });
  expect(mesh.facts).toBe(facts);
  expect(told).toEqual([
    { type: 'mesh-ready', mesh: facts },
    { type: 'mesh-ready', mesh: facts },
  ]);
  expect(callsOf(target)).toBe('up');
  expect((await new Mesh(named(), undefined).ready(() => {}, unaborted())).id).toBe('fake mesh');
});

test('at rest it is in the mode that it came up in, which may fail; and nothing is done before it is up', async () => {
  const target = named();
  const mesh = new Mesh(target, undefined);
  await mesh.rest(unaborted());
  expect(callsOf(target)).toBe('');
  await mesh.ready(() => {}, unaborted());
  target.mode = 'envoy';
  await mesh.rest(unaborted());
  expect(target.mode).toBe('istiod');
  target.before = () => {
    throw new HarnessError('E_KUBE', 'no');
  };
  await expect(mesh.rest(unaborted())).resolves.toBeUndefined();
});

test('what keeps it from being taken down is returned', async () => {
  const target = named();
  expect(await new Mesh(target, undefined).end()).toBeUndefined();
  expect(callsOf(target)).toBe('down');
  target.before = () => {
    throw new HarnessError('E_KUBE', 'no');
  };
  expect(await new Mesh(target, undefined).end()).toMatchObject({ code: 'E_KUBE', message: 'no' });
});

test('that it takes too long to be taken down is returned too, and nothing waits for that any more', async () => {
  vi.useFakeTimers();
  const target = named();
  target.down = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const ended = new Mesh(target, undefined).end();
  await vi.runAllTimersAsync();
  expect(await ended).toMatchObject({ code: 'E_TIMEOUT', message: expect.stringMatching(/^cleaning up /) });
  await new Mesh(named(), undefined).end();
  expect(vi.getTimerCount()).toBe(0);
});
