/** What is not as it was proven, in the words of a message; what becomes of answers is in look-again.test.ts. */
import { expect, test } from 'vitest';
import type { Snapshot } from '../../../src/run/proof/prove.ts';
import { undoneSince } from '../../../src/run/proof/undone.ts';
import { FakeTarget, fakePod, fakeProxy, policiesOf } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';

const signal = unaborted();

async function undone(target: FakeTarget, change: () => void): Promise<string | undefined> {
  target.pods = [fakePod, { ...fakePod, name: 'httpbin-2' }];
  const survey = await target.survey(signal);
  const snapshot: Snapshot = new Map(
    survey.pods.map(({ name }) => [
      `foo/${name}`,
      {
        proxy: { ...fakeProxy, pod: name },
        role: 'decides' as const,
        declared: [],
        policies: policiesOf([], 'm'),
      },
    ]),
  );
  change();
  return undoneSince({ snapshot, survey, fetch: 'istiod' }, target, true, signal);
}

test('a pod of the same name elsewhere, or another one of the namespace, is not the one that has gone', async () => {
  const target = new FakeTarget();
  const change = () => {
    target.pods = [
      { ...fakePod, name: 'httpbin-3' },
      { ...fakePod, namespace: 'bar' },
    ];
  };
  expect(await undone(target, change)).toBe(
    'pod foo/httpbin-1 has gone, or is not ready any more; pod foo/httpbin-2 has gone, or is not ready any more',
  );
});

test('nothing is said where nothing has changed, and other pods come', async () => {
  const target = new FakeTarget();
  const change = () => {
    target.pods = [{ ...fakePod, name: 'httpbin-3' }, ...target.pods];
  };
  expect(await undone(target, change)).toBeUndefined();
});
