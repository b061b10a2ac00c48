/** Classes of status codes, answers with names, keys of the author's own, and times relative to now. */
import { describe, expect, test } from 'vitest';
import { difference } from '../../src/run/answers/compare.ts';
import type { Answer } from '../../src/scenario/format/schema.ts';
import { parseScenario } from '../../src/scenario/load.ts';
import { casesOf, isExpected } from '../../src/scenario/table.ts';

const source = (cells: string, more = '') => `${more}
name: named
title: Named answers
source: { document: d, section: s }
apps: [httpbin, sleep]
steps:
  - name: first
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect: { columns: [no token], /headers: ${cells} }
`;
const parse = (cells: string, more?: string) => parseScenario(source(cells, more), 'named.yaml');
const denied = 'answers: { denied: { code: 403, body: "RBAC: access denied" } }';

describe('cells', () => {
  test.each<[string, readonly unknown[]]>([
    ['[denied]', [{ code: 403, body: 'RBAC: access denied' }]],
    ['[2xx]', [{ code: '2xx' }]],
    ['[{ code: 4xx, body: x }]', [{ code: '4xx', body: 'x' }]],
    [
      '[[{ when: { istio: ">=1.22" }, code: 401 }, denied]]',
      [{ code: 401 }, { code: 403, body: 'RBAC: access denied' }],
    ],
    ['[[5xx]]', [{ code: '5xx' }]],
  ])('%s', (cells, answers) => {
    const { scenario, errors } = parse(cells, denied);
    expect(errors).toEqual([]);
    const [cell] = scenario!.steps[0]!.expect!['/headers'] as never[];
    expect(casesOf(cell!).map(({ answer }) => answer)).toEqual(answers);
  });

  test.each<[string, string, string, string | RegExp]>([
    ['[deny]', denied, 'there is no answer "deny"', 'The answers are: denied.'],
    [
      '[deny]',
      '',
      '"deny" is no status code, and there is no answer of this name',
      /or say under "answers:"/,
    ],
    ['["200"]', denied, 'the status code 200 is a text here', 'Write 200 without quotes.'],
    ['[6xx]', '', '"6xx" is no class of status codes', /1xx, 2xx, 3xx/],
    ['[2XX]', denied, '"2XX" is no class of status codes', /1xx, 2xx, 3xx/],
    ['[__proto__]', denied, 'there is no answer "__proto__"', /denied/],
  ])('%s is refused at its place', (cells, more, message, hint) => {
    const { errors } = parse(cells, more);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'E_SCENARIO', message, place: { line: 10 } });
    expect(errors[0]?.hint).toMatch(hint);
  });

  test('a name that is a status code or a class of them is none', () => {
    const { errors } = parse('[200]', 'answers: { 2xx: { code: 200 }, "403": { code: 403 } }');
    expect(errors.map(({ message }) => message)).toEqual([
      '"2xx" cannot be the name of an answer',
      '"403" cannot be the name of an answer',
    ]);
  });
});

test.each<[Answer['code'], number, boolean]>([
  [200, 200, true],
  [200, 201, false],
  ['2xx', 204, true],
  ['2xx', 404, false],
  ['4xx', 401, true],
  ['4xx', 503, false],
])('%s expects %i: %s', (code, status, isRight) => {
  expect(isExpected(code, status)).toBe(isRight);
  const response = { status, headers: {}, body: '', at: 1, durationMs: 1 };
  expect(difference(response, { code }, new Map())).toBe(
    isRight ? undefined : `status ${status} instead of ${code}`,
  );
});

test('keys that begin with x- are for anchors', () => {
  const more = 'x-denied: &denied { code: 403, body: no }\nx-more: 1';
  const { scenario, errors } = parse('[{ <<: *denied, body: never }]', more);
  expect(errors).toEqual([]);
  expect(scenario?.steps[0]?.expect?.['/headers']).toEqual([{ code: 403, body: 'never' }]);
  expect(Object.keys(scenario ?? {})).not.toContain('x-denied');
  const [wrong] = parse('[200]', 'y-denied: 1').errors;
  expect(wrong?.message).toBe('unknown key "y-denied"');
});
