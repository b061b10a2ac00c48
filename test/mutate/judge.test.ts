/** Mistakes in the policies of small scenarios, as people read about them. */
import { expect, test } from 'vitest';
import { forEachPlanned } from '../../src/cli/models/predictions.ts';
import { judgeScenario, type ScenarioScore } from '../../src/mutate/judge.ts';
import { percentOf, scenarioText, scoresJson, tallyOf, totalText } from '../../src/mutate/scores.ts';
import { scenarioOf } from '../scenario/support.ts';

async function scoreOf(steps: string, more = ''): Promise<ScenarioScore> {
  const scenario = scenarioOf(`name: small
title: Small
source: { document: a test, section: one }
apps: [httpbin, sleep]
issuers:
  sample: { issuer: sample@example.com, algorithm: ES256 }
tokens:
  good: { issuer: sample, claims: { sub: alice, groups: [admin] } }
  of nobody: { issuer: sample, claims: { sub: alice } }
  bad: { extends: good, tamper: payload }
${more}
steps:
${steps}`);
  const scores: ScenarioScore[] = [];
  await forEachPlanned([scenario], undefined, async (planned, options) => {
    scores.push(await judgeScenario(planned, options));
  });
  return scores[0]!;
}

const authentication = (rule = 'jwks: "${issuers.sample.jwks}"') => `
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: tokens, namespace: foo }
        spec:
          selector: { matchLabels: { app: httpbin } }
          jwtRules: [{ issuer: sample@example.com, ${rule} }]`;
const authorization = (spec: string) => `
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: admins, namespace: foo }
        spec: { selector: { matchLabels: { app: httpbin } }, ${spec} }`;
const step = (apply: string, rows: string, name = 'one') => `
  - name: ${name}
    apply:${apply}
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect:
      columns: [/headers, /ip]
${rows}`;
const admins =
  'rules: [{ to: [{ operation: { paths: [/ip] } }], when: [{ key: "request.auth.claims[groups]", values: [admin] }] }]';

/** What became of each mistake, by its words. */
const verdicts = ({ mutants }: ScenarioScore) =>
  Object.fromEntries(
    mutants.map(({ mutant, verdict }) => [`${mutant.policy}, ${mutant.change}`, verdict.kind]),
  );

test('says what no check notices, and the request that would', async () => {
  const score = await scoreOf(
    step(authentication() + authorization(admins), '      good: [403, 200]\n      bad: [401, 401]'),
  );
  expect(scenarioText(score)).toBe(`small: 12 of 15 mistakes noticed
  sample.yaml:22:9: AuthorizationPolicy foo/admins, its rule with /ip* for /ip in \`paths\`: no check notices it
    GET http://httpbin.foo:8000/ipother from sleep.foo, with a good token of sample@example.com with groups "admin": 403 RBAC: access denied; with the mistake: it passes
  sample.yaml:22:9: AuthorizationPolicy foo/admins, its rule without its \`when\`: no check notices it
    GET http://httpbin.foo:8000/ip from sleep.foo, without a token: 403 RBAC: access denied; with the mistake: it passes
  sample.yaml:22:9: AuthorizationPolicy foo/admins, its rule with admin* for admin in \`request.auth.claims[groups]\`: no check notices it
    GET http://httpbin.foo:8000/ip from sleep.foo, with a good token of sample@example.com with groups "adminother": 403 RBAC: access denied; with the mistake: it passes
  not counted: 4, which change no answer to any request that can be sent here
    no request reaches foo/sleep, so what policies do there is not seen`);
});

test('with the requests that were named, all is noticed', async () => {
  const rows = `      no token: [403, 403]\n      good: [403, 200]\n      admins: [403, 403]\n      bad: [401, 401]`;
  const more = `  admins: { issuer: sample, claims: { sub: alice, groups: [adminother] } }`;
  const whole = `${step(authentication() + authorization(admins), rows)}
  - name: a longer path
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect: { columns: [/ipother], good: [403] }
`;
  const score = await scoreOf(whole, more);
  expect(tallyOf(score.mutants)).toMatchObject({ survived: 0, undecided: 0 });
  expect(percentOf(tallyOf(score.mutants))).toBe(100);
});

test('a mistake counts in every step in which its policy is in place, and no longer', async () => {
  const steps = `${step(authentication(), '      bad: [401, 401]')}
  - name: still there
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect: { columns: [/headers], good: [200] }
  - name: gone
    delete: [{ apiVersion: security.istio.io/v1, kind: RequestAuthentication, name: tokens, namespace: foo }]
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
    expect: { columns: [/headers], bad: [200] }
`;
  const { mutants } = await scoreOf(steps);
  const other = mutants.find(({ mutant }) => mutant.change.includes('issuer'))?.verdict;
  expect(other).toMatchObject({ kind: 'noticed', step: { name: 'still there' } });
  expect(mutants.filter(({ verdict }) => verdict.kind === 'survived')).toEqual([]);
});

test('keys at an address are there, or not, as the checks say', async () => {
  const there = await scoreOf(
    step(authentication('jwksUri: "http://keys"'), '      good: [200, 200]\n      bad: [401, 401]'),
  );
  expect(verdicts(there)).toMatchObject({
    'RequestAuthentication foo/tokens, left out': 'noticed',
    'RequestAuthentication foo/tokens, its rule without its issuer': 'survived',
  });
  const failing = '{ code: 401, body: Jwks remote fetch is failed }';
  const gone = await scoreOf(
    step(authentication('jwksUri: "http://keys"'), `      good: [${failing}, ${failing}]`),
  );
  expect(verdicts(gone)).toMatchObject({ 'RequestAuthentication foo/tokens, left out': 'noticed' });
});

test('a check that the policies contradict notices nothing, and is named', async () => {
  const score = await scoreOf(step(authentication(), '      good: [401, 401]'));
  expect(tallyOf(score.mutants)).toMatchObject({ noticed: 0 });
  expect(scenarioText(score)).toContain(
    '2 checks notice nothing, as the policies say something else than they expect: small/one/good//headers, small/one/good//ip',
  );
});

test('a check whose answer the policies do not say is taken at its word: what is certain with a mistake tells it', async () => {
  const rules = 'rules: [{ from: [{ source: { ipBlocks: [10.0.0.0/8] } }] }]';
  const score = await scoreOf(step(authorization(rules), '      good: [200, 403]'));
  expect(score.blind).toEqual([]);
  expect(totalText([score])).toMatch(/ change nothing, \d+ not decided$/);
  const verdicts = new Map(score.mutants.map(({ mutant, verdict }) => [mutant.change, verdict]));
  expect(verdicts.get('left out')).toMatchObject({
    kind: 'noticed',
    by: { check: { id: 'small/one/good//ip' } },
    answer: { status: 200 },
  });
  expect(scenarioText(score)).toContain(
    'not decided, not counted: the address of the connection is a private one, and it is not known here which',
  );
});

test('as JSON, with everything', async () => {
  const score = await scoreOf(step(authentication(), '      good: [200, 200]\n      bad: [401, 401]'));
  expect(scoresJson([score])).toMatchObject({
    noticed: 4,
    survived: 0,
    percent: 100,
    scenarios: [
      {
        scenario: 'small',
        file: 'sample.yaml',
        blind: [],
        mutants: [
          {
            policy: 'RequestAuthentication foo/tokens',
            change: 'left out',
            kind: 'noticed',
            step: 'one',
            by: 'small/one/bad//headers',
          },
          {},
          { change: 'without its selector', kind: 'equivalent', beyond: ['foo/sleep'] },
          {},
          {},
          {},
        ],
      },
    ],
  });
});
