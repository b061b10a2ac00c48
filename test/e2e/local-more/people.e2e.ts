/** What helps somebody who looks for a fault: repeating, the last failures only, stopping in between, and a log of everything. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { program } from '../../support/program.ts';
import { type Ended, filesIn, limits, signaturesIn } from '../faults/command.ts';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';
import { listening } from '../local/processes.ts';

let home: Home;
beforeAll(() => {
  if (haveLocal) home = new Home();
});
afterAll(() => home?.remove());

interface Terminal {
  text(): string;
  said(text: string): Promise<void>;
  type(keys: string): void;
  ended(): Promise<number | undefined>;
  close(): void;
}

/** A run with a pseudo terminal, which `script` of util-linux makes; what it writes goes to its output, too. */
function atTerminal(): Terminal {
  wrong().write(home.sub('pause'), 'wrong');
  const line = `'${process.execPath}' '${program}' run --target local --pause-on-failure ${limits.join(' ')} wrong.yaml`;
  const child = execa('script', ['-qefc', line, '/dev/null'], {
    cwd: home.sub('pause'),
    env: { NO_COLOR: '1', ...home.environment },
    all: true,
    reject: false,
  });
  let output = '';
  child.all.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  return {
    text: () => output,
    said: (text) => vi.waitFor(() => expect(output).toContain(text), { timeout: 60_000, interval: 50 }),
    type: (keys) => void child.stdin.write(keys),
    ended: async () => (await child).exitCode,
    close: () => void child.kill('SIGKILL'),
  };
}

const wrong = () => new Draft('require-jwt').set(['steps', 0, 'expect', 'valid', 0], 401);

describeOnLocal('run --repeat', () => {
  test('runs everything again with keys that istiod has not seen, and counts what differs', async () => {
    const files = ['jwks-in-cluster', 'require-jwt'].map((name) =>
      new Draft(name).write(home.sub('repeat'), name),
    );
    const run = await home.run('repeat', '--repeat', '3', ...files);
    expect(run.exitCode, run.output).toBe(0);
    const { scenarios, flaky, counts } = JSON.parse(
      readFileSync(join(home.sub('repeat'), 'reports/results.json'), 'utf8'),
    );
    expect(scenarios).toHaveLength(6);
    expect(counts).toMatchObject({ passed: 48, failed: 0, error: 0 });
    expect(flaky).toEqual([]);
  });
});

describeOnLocal('run --last-failed --debug', () => {
  let first: Ended;
  let second: Ended;
  beforeAll(async () => {
    if (!haveLocal) return;
    const folder = home.sub('last');
    wrong().write(folder, 'wrong');
    new Draft('request-authentication-alone').write(folder, 'right');
    first = await home.run('last', ...limits, '.');
    second = await home.run('last', ...limits, '--last-failed', '--debug', '.');
  });

  test('runs only what did not pass', () => {
    expect(first.output).toMatch(/15 checks in 2 scenarios: 14 passed, 1 failed/);
    expect(second.output).toContain('--last-failed: wrong\n');
    expect(second.output).toMatch(/6 checks in 1 scenario: 5 passed, 1 failed/);
    expect([first.exitCode, second.exitCode]).toEqual([1, 1]);
  });

  test('leaves a log of requests, processes, waits and events, without signatures of tokens', () => {
    const log = filesIn(join(home.sub('last'), 'reports')).get('debug.log') ?? '';
    expect(log).toMatch(/ process \d+: .*kube-apiserver/);
    expect(log).toMatch(/ http {4}PATCH https:\/\/\S+\/requestauthentications\/\S+ 20[01] \d+ ms/);
    expect(log).toMatch(/ wait {4}.*: after \d+ ms/);
    expect(log).toMatch(/ event {3}\{"type":"run-finished"/);
    expect(signaturesIn(log)).toEqual([]);
  });
});

describeOnLocal('run --pause-on-failure', () => {
  let terminal: Terminal;
  afterEach(() => terminal?.close());

  test('stops with everything in place, says how to look inside, and goes on when Enter is pressed', async () => {
    terminal = atTerminal();
    await terminal.said('Press Enter');
    expect((await home.policies()).toSorted()).toEqual([
      'AuthorizationPolicy foo/require-jwt',
      'RequestAuthentication foo/jwt-example',
    ]);
    // The line that it shows for the proxy works.
    const line = terminal.text().match(/curl -sS --unix-socket \S+ 'http:\/\/envoy\/[^']+'/)?.[0];
    expect(line, terminal.text()).toBeDefined();
    const shown = execFileSync('sh', ['-c', line ?? ''], { encoding: 'utf8', maxBuffer: 1e8 });
    expect(shown).toContain('envoy.filters.http.jwt_authn');
    terminal.type('\r');
    expect(await terminal.ended(), terminal.text()).toBe(1);
    expect(terminal.text()).toContain('Stopping the local mesh');
    await home.expectNothingLeft([]);
  });

  test('ends on Ctrl-C, and leaves nothing', async () => {
    terminal = atTerminal();
    await terminal.said('Press Enter');
    const addresses = listening(home.processes);
    terminal.type('\x03');
    expect(await terminal.ended(), terminal.text()).toBe(130);
    await home.expectNothingLeft(addresses);
  });

  test('is refused where there is no terminal', async () => {
    wrong().write(home.sub('refused'), 'wrong');
    const run = await home.run('refused', '--pause-on-failure', 'wrong.yaml');
    expect(run.exitCode, run.output).toBe(2);
    expect(run.output).toContain('needs a terminal');
    await home.expectNothingLeft([]);
  });
});
