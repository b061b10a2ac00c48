import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alternativesOf } from '../../../src/policy/doubts/constraints.ts';
import { contradictionOf, covers } from '../../../src/policy/doubts/doubts.ts';
import { defaultMesh } from '../../../src/policy/input.ts';
import { withoutQuery } from '../../../src/policy/match/path.ts';
import { type Rule, type Subject, traceRule } from '../../../src/policy/rules.ts';
import { cases, issuers } from '../real/generate.ts';
import { smaller } from '../real/smaller.ts';

const covered = (wide: Rule, narrow: Rule) =>
  alternativesOf(narrow).every((each) => alternativesOf(wide).some((one) => covers(one, each)));

const of = (field: string, values: string[]): Rule =>
  field.startsWith('request.') || field.startsWith('source.')
    ? { when: [{ key: field, values }] }
    : /rincipals|amespaces|Blocks|ccounts/.test(field)
      ? { from: [{ source: { [field]: values } }] }
      : { to: [{ operation: { [field]: values } }] };

test.each([
  ['everything', {}, of('paths', ['/a']), true],
  ['nothing of everything', of('paths', ['/a']), {}, false],
  ['a prefix', of('paths', ['/a*']), of('paths', ['/ab', '/ac*', '/a']), true],
  ['a longer prefix', of('paths', ['/ab*']), of('paths', ['/a*']), false],
  ['a prefix for a suffix', of('paths', ['/a*']), of('paths', ['*a']), false],
  ['a suffix', of('paths', ['*.js']), of('paths', ['/x.js', '*a.js']), true],
  ['presence', of('paths', ['*']), of('paths', ['/a', '/b/{*}']), true],
  ['one of two values', of('methods', ['GET']), of('methods', ['GET', 'POST']), false],
  ['templates, which only the same covers', of('paths', ['/{*}']), of('paths', ['/a']), false],
  ['hosts in any case', of('hosts', ['A.com*']), of('hosts', ['a.com:80']), true],
  ['more fields', of('paths', ['/a']), { ...of('paths', ['/a']), ...of('namespaces', ['foo']) }, true],
  ['not', of('notPaths', ['/a/b']), of('notPaths', ['/a*']), true],
  ['less in not', of('notPaths', ['/a*']), of('notPaths', ['/a/b']), false],
  [
    'a field and the condition of its meaning',
    of('source.namespace', ['foo']),
    of('namespaces', ['foo']),
    true,
  ],
  [
    'principals, taken apart at a slash',
    of('requestPrincipals', ['https://*']),
    of('requestPrincipals', ['https://a/b']),
    false,
  ],
])('covers: %s', (_, wide, narrow, expected) => {
  expect(covered(wide as Rule, narrow as Rule)).toBe(expected);
});

test('a rule with alternatives is covered when each of them is', () => {
  const narrow: Rule = { to: [{ operation: { paths: ['/a'] } }, { operation: { paths: ['/b'] } }] };
  expect(covered(of('paths', ['/a', '/b']), narrow)).toBe(true);
  expect(covered(of('paths', ['/a']), narrow)).toBe(false);
});

test.each([
  [{ paths: ['/a', '/ab'], notPaths: ['/a*'] }, 'paths and notPaths'],
  [{ paths: ['/a', '/b'], notPaths: ['/a*'] }, undefined],
  [{ methods: ['GET'], notPaths: ['/a'] }, undefined],
])('contradicts itself: %j', (operation, expected) => {
  const [all = []] = alternativesOf({ to: [{ operation }] });
  expect(contradictionOf(all)).toBe(expected);
});

/** Rules that are alike, and requests: what covers another holds wherever that one does. */
test('what covers holds for every request that what is covered holds for', () => {
  const samples = fc.sample(cases, { seed: 4, numRuns: 60 });
  const rules = samples.flatMap(({ policies }) =>
    policies.flatMap(({ spec }) => (spec as { rules?: Rule[] }).rules ?? []),
  );
  const subjects = samples.slice(0, 8).flatMap(({ requests }) =>
    requests.slice(0, 12).map((plan): Subject => {
      const claims = plan.tokens[0]?.plan.claims;
      return {
        request: {
          method: plan.method,
          authority: plan.host,
          path: plan.path,
          headers: plan.headers,
          principal: 'cluster.local/ns/foo/sa/default',
          destinationPort: 8080,
          at: 0,
        },
        path: withoutQuery(plan.path),
        claims: claims && { iss: issuers[plan.tokens[0]!.plan.issuer], ...claims },
        whyNoClaims: undefined,
        mesh: defaultMesh,
        namespace: 'foo',
        isTcp: false,
      };
    }),
  );
  const holds = new Map<string, boolean[]>();
  const holdsFor = (rule: Rule) => {
    const key = JSON.stringify(rule);
    const known =
      holds.get(key) ?? subjects.map((subject) => traceRule(rule, 0, subject, 'ALLOW').matched === true);
    holds.set(key, known);
    return known;
  };
  let pairs = 0;
  for (const rule of rules) {
    for (const other of [...smaller(rule), ...rules.slice(0, 20)]) {
      for (const [wide, narrow] of [
        [rule, other],
        [other, rule],
      ] as const) {
        if (!covered(wide, narrow)) continue;
        pairs++;
        const wrong = holdsFor(narrow).findIndex((is, index) => is && !holdsFor(wide)[index]);
        expect(wrong, `${JSON.stringify({ wide, narrow, request: subjects[wrong]?.request })}`).toBe(-1);
      }
    }
    if (alternativesOf(rule).every((each) => contradictionOf(each) !== undefined))
      expect(holdsFor(rule)).not.toContain(true);
  }
  expect(pairs).toBeGreaterThan(100);
});
