import { describe, expect, it } from 'vitest';
import { parseAccessLog } from '../../src/jwks/access-log.ts';
import { whoFetched } from '../../src/jwks/who.ts';

describe('whoFetched', () => {
  it.each([
    ['Go-http-client/1.1', undefined, 'istiod'],
    ['Go-http-client/2.0', undefined, 'istiod'],
    ['Go-http-client/1.1', true, 'istiod'],
    ['Go-browser', true, 'envoy'],
    ['Go-browser', undefined, 'envoy'],
    ['', true, 'envoy'],
    ['', false, 'other'],
    ['curl/8.16.0', false, 'other'],
    ['curl/8.16.0', true, 'other'],
    ['not-Go-http-client/1.1', false, 'other'],
  ] as const)('takes %j with Envoy headers %j for %s', (userAgent, envoyHeaders, by) => {
    expect(whoFetched({ userAgent, envoyHeaders })).toBe(by);
  });
});

describe('parseAccessLog', () => {
  it('reads nginx logs: combined, with X-Forwarded-For, and with timestamps of Kubernetes', () => {
    const log = [
      '/docker-entrypoint.sh: Configuration complete; ready for start up',
      '2026/11/22 10:00:00 [notice] 1#1: start worker process 29',
      '10.244.0.7 - - [22/Nov/2026:10:00:01 +0000] "GET /get_jwks HTTP/1.1" 200 512 "-" "Go-http-client/1.1"',
      '127.0.0.6 - bob [22/Nov/2026:11:00:02 +0130] "GET /get_jwks?a=b HTTP/1.1" 200 512 "-" "Go-browser" "10.1.2.3"',
      '10.244.0.7 - - [22/Nov/2026:10:00:03 +0000] "GET / HTTP/1.1" 200 615 "-" "kube-probe/1.36"',
      '2026-11-22T10:00:04.123456789Z 10.0.0.9 - - [22/Nov/2026:10:00:04 +0000] "GET /get_jwks HTTP/2.0" 404 0 "http://x/?q=\\x22" "curl/8.16.0" "-"',
      '10.0.0.9 - - [22/Nov/2026:10:00:05 -0800] "GET /get_jwks HTTP/1.1" 304 0 "-" "-"',
      '10.0.0.9 - - [22/Nov/2026:10:00:06 +0000] "\\x16\\x03\\x01" 400 157 "-" "-"',
      '10.0.0.9 - - [22/Non/2026:10:00:07 +0000] "GET /get_jwks HTTP/1.1" 200 0 "-" "-"',
      '',
    ].join('\n');
    const entry = { path: '/get_jwks', status: 200 };
    expect(parseAccessLog(log, '/get_jwks')).toEqual([
      {
        ...entry,
        at: Date.UTC(2026, 10, 22, 10, 0, 1),
        by: 'istiod',
        userAgent: 'Go-http-client/1.1',
        remote: '10.244.0.7',
      },
      {
        ...entry,
        at: Date.UTC(2026, 10, 22, 9, 30, 2),
        by: 'envoy',
        userAgent: 'Go-browser',
        remote: '127.0.0.6',
      },
      {
        ...entry,
        at: Date.UTC(2026, 10, 22, 10, 0, 4, 123),
        status: 404,
        by: 'other',
        userAgent: 'curl/8.16.0',
        remote: '10.0.0.9',
      },
      {
        ...entry,
        at: Date.UTC(2026, 10, 22, 18, 0, 5),
        status: 304,
        by: 'other',
        userAgent: '',
        remote: '10.0.0.9',
      },
    ]);
    expect(parseAccessLog(log, '/').map(({ userAgent }) => userAgent)).toEqual(['kube-probe/1.36']);
    expect(parseAccessLog('', '/get_jwks')).toEqual([]);
  });
});
