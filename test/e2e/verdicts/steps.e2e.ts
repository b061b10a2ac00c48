/**
 * Verdicts on real meshes: no step with a wrong expectation passes, and none with a right one fails. `VERDICT_STEPS` says how
 * many steps each mesh gets.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type RunOptions, run } from '../../../src/api/run-for-program.ts';
import { Discovery } from '../../../src/target/local/control-plane/discovery.ts';
import { dice } from '../../support/dice.ts';
import { describeOnCluster } from '../faults/cluster.ts';
import { Folder } from '../faults/command.ts';
import { describeOnLocal } from '../local/command.ts';
import { HoldingXds, type Message } from './holding-xds.ts';
import { writeSteps } from './steps.ts';

const count = Number(process.env.VERDICT_STEPS ?? 12);
const seed = Number(process.env.VERDICT_SEED ?? 1);
const folder = new Folder();
afterAll(() => folder.remove());

/** Runs the steps, in scenarios of 50 at most, and compares every verdict with what it must be. */
async function expectRightVerdicts(options: RunOptions, slowUrl?: string): Promise<void> {
  const here = folder.sub(expect.getState().currentTestName?.replace(/\W+/g, '-') ?? '');
  const sizes = Array.from({ length: Math.ceil(count / 50) }, (_, index) => Math.min(50, count - index * 50));
  const written = sizes.map((size, index) =>
    writeSteps(here, {
      seed: seed * 1000 + index,
      count: size,
      ...(slowUrl === undefined ? {} : { slowUrl }),
    }),
  );
  const wrong = new Set(written.flatMap((steps) => [...steps.wrong]));
  const tally: Record<string, number> = {};
  const unlike: string[] = [];
  const problems: string[] = [];
  for await (const event of run({
    ...options,
    files: written.map(({ file }) => file),
    settings: { 'answer-timeout': 1, artifacts: join(here, 'artifacts'), ...options.settings },
  })) {
    if (event.type === 'scenario-finished' && event.problem !== undefined)
      problems.push(`${event.scenario}: ${event.problem.message}`);
    if (event.type === 'mesh-failed') problems.push(JSON.stringify(event));
    if (event.type !== 'check-finished') continue;
    const { id, state, message } = event.check;
    const meant = wrong.has(id) ? 'wrong' : 'right';
    const kind = `${meant} ${state}`;
    tally[kind] = (tally[kind] ?? 0) + 1;
    if (state !== (meant === 'wrong' ? 'failed' : 'passed')) unlike.push(`${kind}: ${id}: ${message}`);
  }
  console.log(`${expect.getState().currentTestName}: ${JSON.stringify(tally)}`);
  expect(problems).toEqual([]);
  expect(unlike).toEqual([]);
  expect(tally).toEqual({
    'wrong failed': Math.floor(count / 2),
    'right passed': count * 9 - Math.floor(count / 2),
  });
}

const patience = { timeout: 120_000 + count * 10_000 };

describeOnCluster('on kind, with the settings of istiod that everybody has,', (cluster) => {
  test('every verdict is right', patience, async () => {
    await expectRightVerdicts({ target: 'kind', name: cluster, settings: { reuse: true, keep: true } });
  });
});

describeOnLocal('on local, with the debounce of istiod that everybody has,', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  const stock: RunOptions = {
    target: 'local',
    settings: { 'istiod-env': ['PILOT_DEBOUNCE_AFTER=100ms', 'PILOT_DEBOUNCE_MAX=10s'] },
  };

  test('every verdict is right', patience, async () => {
    await expectRightVerdicts(stock);
  });

  test('and keys that come late, every verdict is right', patience, async () => {
    const random = dice(seed);
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'slow' }] });
    const server = createServer(async (_, response) => {
      await sleep(random() * 1500);
      response.end(jwks);
    }).listen(0, '127.0.0.1');
    closing.push(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await expectRightVerdicts(stock, `http://127.0.0.1:${port}/keys`);
  });

  test.each<[string, (random: () => number) => (message: Message) => number]>([
    [
      'one type of configuration',
      (random) =>
        ({ type }) =>
          type === 'RouteConfiguration' ? random() * 800 : 0,
    ],
    [
      'one proxy',
      (random) =>
        ({ pod }) =>
          pod.startsWith('httpbin') ? random() * 800 : 0,
    ],
    ['whatever comes', (random) => () => (random() < 0.5 ? random() * 500 : 0)],
  ])('and a network that holds back %s, every verdict is right', patience, async (_, make) => {
    const hold = make(dice(seed));
    let held = 0;
    const xds = new HoldingXds((message) => {
      const wait = hold(message);
      if (wait > 0) held += 1;
      return wait;
    });
    closing.push(() => xds.close());
    const start = Discovery.start;
    closing.push(() => {
      Discovery.start = start;
    });
    Discovery.start = async (options, relays, ...rest) => {
      const port = await xds.listen('127.0.0.1', options.ca);
      const lead = relays.proxies.lead.bind(relays.proxies);
      relays.proxies.lead = (host, of) => {
        xds.lead(host, of);
        lead('127.0.0.1', port);
      };
      return await start.call(Discovery, options, relays, ...rest);
    };
    await expectRightVerdicts(stock);
    expect(held).toBeGreaterThan(0);
  });
});
