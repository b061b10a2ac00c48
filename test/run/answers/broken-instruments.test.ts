import { expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { brokenInstruments } from '../../../src/run/answers/broken-instruments.ts';
import type { KeyServerHandle } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';

function stateWith(...checks: KeyServerHandle['check'][]) {
  const servers = checks.map((check, index) => [`server ${index}`, { check }] as const);
  const state = { context: { keyServers: new Map(servers) }, options: { runId: 'abc123' } };
  return state as unknown as Parameters<typeof brokenInstruments>[0];
}
const works = async () => {};
const broken = async () => {
  throw new HarnessError('E_KEY_SERVER', 'it is cut off');
};

test('servers that answer are not to blame, and are asked as this run', async () => {
  const agents: string[] = [];
  const asked = async (userAgent: string) => void agents.push(userAgent);
  expect(await brokenInstruments(stateWith(asked, works), unaborted())).toBeUndefined();
  expect(await brokenInstruments(stateWith(), unaborted())).toBeUndefined();
  expect(agents).toEqual(['jwt-e2e/abc123-check']);
});

test('one that does not is, whichever it is', async () => {
  const error = { code: 'E_KEY_SERVER', message: 'it is cut off' };
  expect(await brokenInstruments(stateWith(works, broken), unaborted())).toMatchObject(error);
  expect(await brokenInstruments(stateWith(broken, works), unaborted())).toMatchObject(error);
});

test('an interruption is no fault of theirs', async () => {
  const controller = new AbortController();
  const interrupted = async () => {
    controller.abort('SIGINT');
    return broken();
  };
  await expect(brokenInstruments(stateWith(interrupted), controller.signal)).rejects.toMatchObject({
    code: 'E_INTERRUPTED',
  });
});
