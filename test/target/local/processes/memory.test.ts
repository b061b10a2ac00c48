import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { describeMemory, memoryOf } from '../../../../src/target/local/processes/memory.ts';
import type { Part } from '../../../../src/target/local/processes/part.ts';

const part = (name: string, pid = process.pid) => ({ name, pid }) as Part;

test('proxies and key servers are added up, the largest comes first', () => {
  const names = [
    'etcd',
    'Envoy of foo/a',
    'key server one',
    'Envoy of foo/b',
    'key server two',
    'Envoy of foo/c',
  ];
  const uses = memoryOf(names.map((name) => part(name)));
  expect(uses.map((use) => use.part)).toEqual(['Envoys', 'key servers', 'etcd']);
  // This process is measured each time.
  const [envoys, , etcd] = uses;
  expect(etcd!.bytes).toBeGreaterThan(10 * 1024 * 1024);
  expect(envoys!.bytes / etcd!.bytes).toBeCloseTo(3, 0);
});

test('what has ended meanwhile counts nothing', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  expect(memoryOf([part('istiod', child.pid)])).toEqual([{ part: 'istiod', bytes: 0 }]);
});

test('is told in MiB, the sum first', () => {
  const uses = [
    { part: 'the API server', bytes: 330.4 * 1024 * 1024 },
    { part: 'istiod', bytes: 120.4 * 1024 * 1024 },
  ];
  expect(describeMemory(uses)).toBe('451 MiB (the API server 330, istiod 120)');
});
