/** `run --watch` on a local mesh: what is saved gets its verdict on the mesh that is up, and never an old answer. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ended, Started } from '../faults/command.ts';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';
import { listening } from '../local/processes.ts';

/** Milliseconds; on an idle machine it is to be less than 2000. */
const longest = 20_000;

let home: Home;
beforeAll(() => {
  if (haveLocal) home = new Home();
});
afterAll(() => home?.remove());

describeOnLocal('run --watch', () => {
  let running: Started;
  let scenarios: string;
  let rounds = 0;
  const times: string[] = [];
  const requireJwt = () => new Draft('require-jwt');
  const wrong = () => requireJwt().set(['steps', 0, 'expect', 'valid', 0], 401);

  /** Waits until this was said. A run that does not say it is ended, and what it has said instead is in the error. */
  async function said(text: string | RegExp, limitMs = longest): Promise<void> {
    const ending = setTimeout(() => running.kill('SIGKILL'), limitMs);
    try {
      await running.said(text);
    } finally {
      clearTimeout(ending);
    }
  }

  /** Saves a file and returns when the round that it makes has its verdict. */
  async function verdictOf(what: string, save: () => unknown): Promise<void> {
    const saved = performance.now();
    save();
    rounds += 1;
    await said(nth('From saving to the verdict', rounds));
    const took = performance.now() - saved;
    times.push(`${what} ${(took / 1000).toFixed(1)} s`);
    expect(took, times.join(', ')).toBeLessThan(longest);
  }

  beforeAll(async () => {
    if (!haveLocal) return;
    scenarios = join(home.sub('watch'), 'scenarios');
    mkdirSync(scenarios);
    requireJwt().write(scenarios, 'require');
    running = home.start('watch', 'run', '--watch', 'scenarios');
    await said('Watching scenarios', 120_000);
  });
  afterAll(() => running?.kill('SIGKILL'));

  test('runs again what was saved: it fails when a wrong answer is expected, and passes when that is mended', async () => {
    await verdictOf('fails', () => wrong().write(scenarios, 'require'));
    await said(/✗ require {2}.*status 200 instead of 401.*1 failed/s);
    await verdictOf('passes', () => requireJwt().write(scenarios, 'require'));
    await said(nth('6 checks in 1 scenario: 6 passed', 2));
  });

  test('is about the policy as it was saved, not about the one before', async () => {
    const withoutDenial = requireJwt()
      .remove(['steps', 0, 'apply', 1])
      .set(['steps', 0, 'expect', 'no token', 0], 200);
    await verdictOf('policy taken out', () => withoutDenial.write(scenarios, 'require'));
    await said(nth('6 checks in 1 scenario: 6 passed', 3));
    await verdictOf('policy put back', () => requireJwt().write(scenarios, 'require'));
    await said(nth('6 checks in 1 scenario: 6 passed', 4));
  });

  test('shows mistakes in their place, and runs the file once they are mended', async () => {
    const file = requireJwt().write(scenarios, 'require');
    writeFileSync(file, 'name: require\nstepz: []\n');
    await said(/scenarios\/require\.yaml:2:1: .*stepz/);
    await said(/with \d+ mistakes? left; Ctrl-C ends/);
    await verdictOf('mistake mended', () => requireJwt().write(scenarios, 'require'));
    await said(nth('6 checks in 1 scenario: 6 passed', 5));
  });

  test('runs a new file, and does without one that is gone', async () => {
    const alone = () => new Draft('request-authentication-alone').write(scenarios, 'alone');
    await verdictOf('new file', alone);
    await said(/saved: scenarios\/alone\.yaml\n.*✓ alone.*9 checks in 1 scenario: 9 passed/s);
    rmSync(join(scenarios, 'alone.yaml'));
    await said(/gone: scenarios\/alone\.yaml\n\nWatching/);
  });

  test('sees who fetches the keys each time, although istiod keeps those of the round before', async () => {
    const draft = () => new Draft('jwks-in-cluster');
    for (const time of [1, 2, 3]) {
      const save = () => draft().set(['title'], `saved ${time} times`).write(scenarios, 'in-cluster');
      await verdictOf(`keys ${time}`, save);
      await said(nth('10 checks in 1 scenario: 10 passed', time));
    }
    rmSync(join(scenarios, 'in-cluster.yaml'));
    await said(/gone: scenarios\/in-cluster\.yaml\n\nWatching/);
  });

  test('ends by Ctrl-C with the exit code of the last round, and takes its mesh with it', async () => {
    await verdictOf('fails', () => wrong().write(scenarios, 'require'));
    const processes = home.processes;
    const addresses = listening(processes);
    expect(processes.length).toBeGreaterThan(4);
    running.kill('SIGINT');
    const run: Ended = await running.ended();
    expect(run.exitCode, run.output).toBe(1);
    expect(run.output.match(/Starting Istio .* …/g), run.output).toHaveLength(1);
    expect(run.output).toContain('✓ Stopping the local mesh');
    await home.expectNothingLeft(addresses);
    console.log(`from saving to the verdict: ${times.join(', ')}`);
  });
});

/** Matches once a text was there this many times. */
function nth(text: string, times: number): RegExp {
  return new RegExp(`(?:${text}.*){${times}}`, 's');
}
