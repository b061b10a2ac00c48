import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../../../src/base/events.ts';
import { checkCase } from '../../../src/report/junit/junit-case.ts';
import { junitXml } from '../../../src/report/junit/junit-xml.ts';
import { check, requireJwt } from '../fixture.ts';

const caseOf = (part: Partial<CheckResult>, context = {}) =>
  checkCase(
    check(requireJwt, { step: 'a', row: 'b', column: 'c', expected: '401', ...part }),
    'class',
    context,
  );
const textOf = (part: Partial<CheckResult>) => {
  const { outcome } = caseOf({ state: 'failed', actual: '200', ...part });
  return outcome?.kind === 'failure' ? outcome.text.split('\n') : undefined;
};

describe('a case', () => {
  test.each<[Partial<CheckResult>, object | undefined]>([
    [{ state: 'passed' }, undefined],
    [
      { state: 'skipped' },
      {
        kind: 'skipped',
        message:
          'no reason given; not proven: FAQ about JWT authentication, "How JWT authentication works in ASM"',
      },
    ],
    [
      { state: 'skipped', source: { document: '', section: '' } },
      { kind: 'skipped', message: 'no reason given' },
    ],
    [
      { state: 'known', actual: '200' },
      {
        kind: 'skipped',
        message: 'known deviation until an unknown day: no reason given; expected 401, got 200',
      },
    ],
    [
      { state: 'error', actual: undefined },
      { kind: 'error', type: 'E_INTERNAL', message: 'no verdict was possible' },
    ],
    [
      { state: 'failed', actual: undefined },
      { kind: 'failure', type: 'E_CHECK', message: 'expected 401, got no answer' },
    ],
    [
      { state: 'failed', code: 'E_NACK', message: '401 never came' },
      { kind: 'failure', type: 'E_NACK', message: '401 never came' },
    ],
  ])('says what there is, and that the rest is missing: %j', (part, outcome) => {
    const made = caseOf(part).outcome;
    if (outcome === undefined) expect(made).toBeUndefined();
    else expect(made).toMatchObject(outcome);
  });

  test('has what was found out in its output, and none when there is nothing', () => {
    const convergence = { attempts: 1, firstRightMs: 12.6, stale: 0 };
    const output = 'finding: f\nconvergence: 1 request, first right answer after 13 ms\nproof: p';
    expect(caseOf({ finding: 'f', proof: 'p', convergence }).output).toBe(output);
    expect(caseOf({ convergence: undefined }).output).toBeUndefined();
  });

  test('explains a failure line by line, in columns, and leaves out what is not there', () => {
    const response = { status: 200, headers: { a: '1' }, body: 'one\ntwo\n\n' };
    expect(textOf({ response, evidence: 'e' })).toEqual([
      'expected: 401',
      'actual:   200',
      'source:   FAQ about JWT authentication, "How JWT authentication works in ASM"',
      'at:       scenarios/documented/require-jwt.yaml:21:18',
      'response: 200',
      '          a: 1',
      '',
      '          one',
      '          two',
      'evidence: e',
    ]);
    expect(textOf({ response: { ...response, headers: {}, body: '' } })?.at(-1)).toBe('response: 200');
  });

  test.each<[NonNullable<CheckResult['request']>['token'], string[]]>([
    [undefined, ['token:    no token']],
    [{ name: 't', header: null, claims: null, raw: 'a"b' }, ['token:    t: not a JWT, sent "a\\"b"']],
    [
      { name: 't', header: { alg: 'x' }, claims: { sub: 'me' } },
      ['token:    t', '          header {"alg":"x"}', '          claims {"sub":"me"}'],
    ],
  ])('shows the token that was sent: %j', (token, lines) => {
    const request = { method: 'GET', url: 'http://a', headers: [], curl: 'curl a', token };
    const text = textOf({ request: request as never })!;
    const at = text.findIndex((line) => line.startsWith('token:'));
    expect(text.slice(at - 1, -1)).toEqual(['request:  GET http://a', ...lines]);
    expect(text.at(-1)).toBe('curl:     curl a');
  });
});

test('an error says which of several meshes it is about, where its evidence is, and the address of the promise', () => {
  const source = { document: 'Docs', section: 'Sample', url: 'https://istio.io/' };
  const part = { state: 'error', message: 'no answer', evidence: 'e', source } as const;
  expect(caseOf(part, { mesh: 'a mesh', artifacts: 'reports' }).outcome).toMatchObject({
    message: 'a mesh: no answer',
    text: [
      'mesh:     a mesh',
      'expected: 401',
      'actual:   401',
      'why:      no answer',
      'source:   Docs, "Sample" https://istio.io/',
      'at:       scenarios/documented/require-jwt.yaml:21:18',
      'evidence: reports/e',
    ].join('\n'),
  });
});

test('a case without a place or a reason is written all the same', () => {
  const { place: _, ...bare } = caseOf({ state: 'failed', actual: '200' });
  const skipped = { ...bare, outcome: { kind: 'skipped', message: ' ' } } as const;
  const cases = [bare, skipped];
  const suite = { name: 's', startedAt: '2026-01-01T00:00:00Z', durationMs: 1, properties: [], cases };
  const xml = junitXml([suite], { hostname: 'ci', places: true });
  expect(xml).toContain('<skipped>no reason given</skipped>');
  expect(xml).not.toMatch(/ file=|\nat |undefined|\(:/);
});

test('times are seconds, and never less than nothing', () => {
  const times = [1500, -5, Number.NaN, Number.POSITIVE_INFINITY].map((durationMs) => {
    const one = { ...caseOf({}), durationMs };
    const suite = { name: 's', startedAt: '2026-01-01T00:00:00Z', durationMs, properties: [], cases: [one] };
    return [...junitXml([suite], { hostname: ' ' }).matchAll(/ (?:time|hostname)="([^"]*)"/g)].map(
      ([, value]) => value,
    );
  });
  expect(times).toEqual([
    ['1.500', '1.500', 'localhost', '1.500'],
    ['0.000', '0.000', 'localhost', '0.000'],
    ['0.000', '0.000', 'localhost', '0.000'],
    ['0.000', '0.000', 'localhost', '0.000'],
  ]);
});
