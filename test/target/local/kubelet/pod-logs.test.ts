import { expect, test } from 'vitest';
import { fetchesAfter, logEndOf } from '../../../../src/target/local/kubelet/pod-logs.ts';
import { longestLog } from '../../../../src/target/local/kubelet/workload.ts';

const pods = { namespace: 'foo', app: 'keys' };
const line = (number: number, agent = 'Go-http-client/1.1') => ({
  number,
  at: 0,
  line: `127.0.0.1 - - [01/Jan/2001:00:00:00 +0000] "GET /get_jwks HTTP/1.1" 200 5 "-" "${agent}"`,
});
const workload = (name: string, lines: ReturnType<typeof line>[], app = 'keys', namespace = 'foo') => ({
  identity: { namespace, name, spec: { labels: { app } } },
  logs: new Map([[app, lines]]),
});
const agents = (all: ReturnType<typeof workload>[], after: string) =>
  fetchesAfter(all, pods, '/get_jwks', after).map(({ userAgent }) => userAgent);

test('what was logged before does not count, nor what others log', () => {
  const before = logEndOf([workload('a', [line(1), line(2)])], pods);
  const now = [
    workload('a', [line(1), line(2), line(3, 'later')]),
    workload('b', [line(1, 'new')]),
    workload('c', [line(1)], 'other'),
    workload('d', [line(1)], 'keys', 'bar'),
  ];
  expect(agents(now, before)).toEqual(['later', 'new']);
  expect(agents(now, logEndOf(now, pods))).toEqual([]);
});

test('nobody knows who fetched when lines are gone', () => {
  const before = logEndOf([workload('a', [line(1)])], pods);
  expect(() => agents([], before)).toThrow('it is gone, and its log with it');
  const from = (first: number) => Array.from({ length: longestLog }, (_, index) => line(first + index));
  expect(agents([workload('a', from(2))], before)).toHaveLength(longestLog);
  expect(() => agents([workload('a', from(3))], before)).toThrow('a part of its log is gone');
});
