import { expect, test } from 'vitest';
import { keyServerState } from '../../../src/run/keys/key-server-state.ts';
import { millisecondsOf } from '../../../src/scenario/format/schema-words.ts';
import { makeIssuerKeys } from '../../../src/token/issuer-keys.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { run, scenarioSource, sendStep } from '../support.ts';

const server = 'keyServers: { outside: { serves: sample, stopped: true } }';
const setStep = (name: string, set: string, after = '', cells = '[200, 200]') =>
  sendStep(name, cells, `    set: { outside: ${set} }\n${after && `    after: ${after}\n`}`);
const twice = '{ fetches: 2, of: outside }';
const entry = {
  at: 0,
  path: '/get_jwks',
  status: 200,
  by: 'istiod',
  userAgent: 'Go-http-client/1.1',
} as const;

/** After the first answers, and before the last ones. */
function marksBetweenAnswers({ calls }: FakeTarget): number {
  const isSend = (call: string) => call.startsWith('send');
  const between = calls.slice(calls.findIndex(isSend), calls.findLastIndex(isSend));
  return between.filter((call) => call === 'mark').length;
}

test('key servers do what each step says, before anything is sent', async () => {
  const target = new FakeTarget();
  const steps = setStep('fails', '{ status: 503, delay: 1s }') + setStep('works', '{}');
  const { exitCode } = await run([scenarioSource('one', steps, server)], { target });
  expect(exitCode).toBe(0);
  expect(target.servers[0]?.start.fault).toEqual({ closed: true });
  expect(target.servers[0]?.states.map(({ fault }) => fault)).toEqual([{ status: 503, delayMs: 1000 }, null]);
  const order = target.calls.filter((call) => /^(startKeyServer set|send)/.test(call));
  expect(order.map((call) => call.split(' ')[0])).toEqual([
    'startKeyServer',
    'send',
    'startKeyServer',
    'send',
  ]);
  // What changed at a key server reaches proxies as a policy does, so it is proven in the same way.
  expect(marksBetweenAnswers(target)).toBe(1);
});

test('what proxies have fetched themselves they would forget with a marker, so there is none', async () => {
  const target = new FakeTarget();
  const steps = sendStep('first') + setStep('fails', '{ status: 503 }');
  await run([scenarioSource('one', steps, `mesh: { fetch: [envoy] }\n${server}`)], { target });
  expect(marksBetweenAnswers(target)).toBe(0);
});

test('templates are filled in', async () => {
  const target = new FakeTarget();
  const step = setStep('moves', '{ redirect: "http://${keyServers.outside.ip}/" }');
  await run([scenarioSource('one', step, server)], { target });
  expect(target.servers[0]?.states[0]?.fault).toEqual({ redirect: 'http://192.0.2.7/' });
});

test('a step waits until the keys were asked for since it began, by whoever but this tool', async () => {
  const target = new FakeTarget();
  let looks = 0;
  target.before = (method, _, detail) => {
    const log = target.servers[0]?.log;
    if (method !== 'startKeyServer' || detail !== 'log' || log === undefined) return;
    looks += 1;
    if (looks === 1) log.push({ ...entry, by: 'other', userAgent: 'jwt-e2e/abc123-check' }, entry);
    if (looks === 2) log.push({ ...entry, path: '/.well-known/openid-configuration' });
    if (looks === 3) log.push({ ...entry, isOpen: true });
    if (looks === 4) log.push(entry);
  };
  const { exitCode } = await run([scenarioSource('one', setStep('s', '{}', twice), server)], {
    target,
    options: { holdMs: 5000 },
  });
  expect(exitCode).toBe(0);
  expect(looks).toBe(4);
});

test('without that there is no verdict', async () => {
  const target = new FakeTarget();
  const { checks, exitCode } = await run([scenarioSource('one', setStep('s', '{}', twice), server)], {
    target,
    options: { holdMs: 1000 },
  });
  expect(exitCode).toBe(4);
  expect(checks[0]).toMatchObject({
    state: 'error',
    code: 'E_UNPROVEN',
    message:
      'the key server "outside" being asked for keys 2 times did not happen within 1 s: it was asked 0 times',
  });
  expect(target.seen).toEqual([]);
});

test('keys and certificate that a step does not name are as under keyServers, and failures are not', async () => {
  const spec = {
    issuer: 'i',
    keys: { a: { algorithm: 'ES256' as const }, b: { algorithm: 'ES256' as const } },
  };
  const issuers = new Map([['sample', await makeIssuerKeys('sample', spec, 'r')]]);
  const outside = {
    serves: 'sample',
    where: 'external',
    path: '/',
    keys: ['b'],
    certificate: 'expired',
    status: 500,
  } as const;
  const kids = (change?: Parameters<typeof keyServerState>[1]) => {
    const { jwks, ...rest } = keyServerState({ ...outside, keys: ['b'] }, change, issuers);
    return { ...rest, kids: (jwks as { keys: { kid: string }[] }).keys.map(({ kid }) => kid) };
  };
  expect(kids()).toEqual({ certificate: 'expired', fault: { status: 500 }, kids: ['sample.b-r'] });
  expect(kids({})).toEqual({ certificate: 'expired', fault: null, kids: ['sample.b-r'] });
  expect(kids({ keys: ['a', 'b'], copies: 2, more: [{ kid: 'x' }], certificate: 'trusted' })).toEqual({
    certificate: 'trusted',
    fault: null,
    kids: ['sample.a-r~1', 'sample.a-r~2', 'sample.a-r', 'sample.b-r', 'x'],
  });
  expect(
    kids({ body: '', type: 'text/html', reset: true, stopped: true, redirect: 'r', delay: '2m' }).fault,
  ).toEqual({
    body: '',
    type: 'text/html',
    reset: true,
    closed: true,
    redirect: 'r',
    delayMs: 120_000,
  });
});

test('durations are read with their units', () => {
  expect(['500ms', '1.5s', '2m'].map(millisecondsOf)).toEqual([500, 1500, 120_000]);
});
