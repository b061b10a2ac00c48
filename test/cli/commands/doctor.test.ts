/** Proxies of the environment. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { proxies } from '../../../src/cli/commands/doctor.ts';
import { around } from '../doctor/support.ts';

const proxy = 'http://proxy.example.com:3128';

test.each([
  [{}, 'ok', 'none is set'],
  [{ HTTP_PROXY: '' }, 'ok', 'none is set'],
  [
    { HTTPS_PROXY: proxy },
    'warning',
    'HTTPS_PROXY is set, and NO_PROXY does not name localhost, 127.0.0.1 and .svc',
  ],
  [
    { http_proxy: proxy, HTTPS_PROXY: proxy, NO_PROXY: 'localhost,127.0.0.0/8' },
    'warning',
    'http_proxy and HTTPS_PROXY are set, and NO_PROXY does not name .svc',
  ],
  [
    { HTTP_PROXY: proxy, NO_PROXY: 'localhost, 127.0.0.1 .svc' },
    'ok',
    'HTTP_PROXY is set, and NO_PROXY names what is near',
  ],
  [{ ALL_PROXY: 'proxy:3128', no_proxy: '*' }, 'ok', 'ALL_PROXY is set, and NO_PROXY names what is near'],
  // Some programs read one of them, some the other.
  [
    { HTTP_PROXY: proxy, NO_PROXY: '*', no_proxy: 'localhost' },
    'warning',
    'HTTP_PROXY is set, and NO_PROXY does not name 127.0.0.1 and .svc',
  ],
  [{ HTTPS_PROXY: 'http://a b' }, 'warning', 'HTTPS_PROXY is no address'],
])('%o: %s', async (env, state, text) => {
  expect(await proxies(around({}, env))).toEqual([expect.objectContaining({ state, text })]);
});

const environments: [Record<string, string>][] = [
  [{ HTTPS_PROXY: proxy }],
  [{ HTTPS_PROXY: proxy, NO_PROXY: 'example.com' }],
  [{ HTTPS_PROXY: proxy, no_proxy: 'localhost' }],
];

test.each(environments)('what mends %o is a command that a shell can run', async (env) => {
  const [before] = await proxies(around({}, env));
  const output = execFileSync('sh', ['-c', `${before?.remedy}; env`], { encoding: 'utf8', env });
  const changed = Object.fromEntries(output.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
  expect(await proxies(around({}, changed))).toEqual([expect.objectContaining({ state: 'ok' })]);
  if (env.NO_PROXY) expect(changed.NO_PROXY).toContain(env.NO_PROXY);
});
