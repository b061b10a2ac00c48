import { expect, test } from 'vitest';
import type { Snapshot } from '../../../src/run/proof/prove.ts';
import { deciding, proxiesOf, warning } from '../../../src/run/steps/step-state.ts';
import { fakeProxy } from '../../support/fake-target.ts';

const gateway = { ...fakeProxy, pod: 'gateway-1', kind: 'gateway' } as const;
const snapshot = new Map([
  ['foo/httpbin-1', { proxy: fakeProxy, role: 'decides' }],
  ['foo/gateway-1', { proxy: gateway, role: 'passes' }],
]) as unknown as Snapshot;

test('of the proxies that were seen, those can be had that decide first', () => {
  expect(proxiesOf(snapshot)).toEqual([fakeProxy, gateway]);
  expect([...deciding(snapshot).keys()]).toEqual(['foo/httpbin-1']);
  expect(proxiesOf(deciding(snapshot))).toEqual([fakeProxy]);
});

test('what no check says is told as a warning', () => {
  const told: unknown[] = [];
  warning({ emit: (event) => told.push(event) })('the disk is full');
  expect(told).toEqual([{ type: 'warning', message: 'the disk is full' }]);
});
