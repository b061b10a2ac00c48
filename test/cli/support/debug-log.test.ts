import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { debug } from '../../../src/base/debug.ts';
import { until } from '../../../src/base/wait.ts';
import { openDebugLog } from '../../../src/cli/support/debug-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'debug-'));
const { signal } = new AbortController();

async function logged(name: string, work: () => Promise<unknown>, showTokens = false): Promise<string> {
  const log = openDebugLog(join(folder, name, 'debug.log'), showTokens);
  try {
    await work();
  } finally {
    log.close();
  }
  return readFileSync(log.file, 'utf8');
}

describe('it has', () => {
  test('every HTTP request with its answer, or why there was none', async () => {
    const server = createServer((_, response) => response.writeHead(418).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const text = await logged('http', async () => {
      await (await request(`${origin}/tea?kind=green`)).body.dump();
      server.close();
      await request('http://127.0.0.1:9/nobody').catch(() => {});
    });
    expect(text).toMatch(
      new RegExp(`^\\S+Z http {4}GET ${origin}/tea\\?kind=green 418 \\d+ ms$`.replaceAll('.', '\\.'), 'm'),
    );
    expect(text).toMatch(/GET http:\/\/127\.0\.0\.1:9\/nobody .*ECONNREFUSED.* \d+ ms$/m);
  });

  test('the program that a shell becomes, and not what the shell does before', async () => {
    const text = await logged('process', async () => {
      const script = 'echo $$; exec "$@" 3>&-';
      await once(spawn('/bin/sh', ['-c', script, 'sh', '/bin/sleep', '0'], { stdio: 'ignore' }), 'exit');
    });
    expect(text).toMatch(/ process \d+: \/bin\/sleep 0$/m);
  });

  test('every process with its end', async () => {
    const text = await logged('process', async () => {
      const child = spawn('/bin/sh', ['-c', 'exit 3']);
      await once(child, 'close');
    });
    expect(text).toMatch(/ process \d+: \/bin\/sh -c exit 3$/m);
    expect(text).toMatch(/ process \d+: ended with 3$/m);
  });

  test('every wait that has ended, and every event without what the reports have anyway', async () => {
    const log = openDebugLog(join(folder, 'waits.log'), false);
    let asked = 0;
    await until('the sun rising', async () => (++asked < 3 ? 'not yet' : { sun: true }), {
      timeoutMs: 5000,
      intervalMs: 5,
      signal,
    });
    log.event({
      type: 'step-applied',
      at: 1,
      mesh: 'm',
      scenario: 's',
      step: 'a',
      objects: ['ConfigMap foo/a created'],
      manifests: [{ object: 'ConfigMap foo/a', yaml: 'a long text' }],
      warnings: [],
    });
    log.close();
    const text = readFileSync(log.file, 'utf8');
    expect(text).toMatch(/ wait {4}the sun rising: after \d+ ms$/m);
    expect(text).toContain('ConfigMap foo/a created');
    expect(text).not.toContain('a long text');
  });
});

test('signatures of tokens are left out, unless they are wanted', async () => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJlLWZvci10ZXN0';
  const work = async () => debug(() => `sent\n${token}`);
  expect(await logged('hidden', work)).toMatch(/sent\\neyJhbGciOiJSUzI1NiJ9\.eyJpc3MiOiJ4In0\.<signature>$/m);
  expect(await logged('shown', work, true)).toContain(token);
});

test('only its owner may read it, and after the end nothing is written', async () => {
  const log = openDebugLog(join(folder, 'own.log'), false);
  debug(() => 'within');
  log.close();
  debug(() => 'after');
  log.close();
  expect(readFileSync(log.file, 'utf8')).toMatch(/within\n$/);
  expect(statSync(log.file).mode & 0o077).toBe(0);
});

test('nothing is made of a text that nobody reads', () => {
  debug(() => {
    throw new Error('it was made');
  });
});

test('a file that cannot be written is named', () => {
  writeFileSync(join(folder, 'a-file'), '');
  expect(() => openDebugLog(join(folder, 'a-file', 'debug.log'), false)).toThrow(/cannot write .*a-file/);
});

test.skipIf(!existsSync('/dev/full'))('a full disk ends the log, and nothing else', async () => {
  const warnings: string[] = [];
  const log = openDebugLog('/dev/full', false, (line) => warnings.push(line));
  const child = spawn('/bin/true');
  await once(child, 'close');
  log.event({ type: 'run-started', at: 1, runId: 'a', version: '0' });
  debug(() => 'more');
  log.close();
  expect(warnings).toEqual([
    expect.stringMatching(/^warning: \/dev\/full is not written any further: .*ENOSPC/),
  ]);
});
