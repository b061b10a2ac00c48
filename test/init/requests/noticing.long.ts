/** What `init` writes notices the mistakes that `mutate` makes in its policies, or names them. */
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kube-object.ts';
import { judgeIn } from '../../../src/cli/commands/init.ts';
import { planFor } from '../../../src/init/first-plan.ts';
import { writeNoticing } from '../../../src/init/requests/noticing.ts';
import { writeScenario } from '../../../src/init/write/write.ts';
import { policy, rules, tokens } from '../support.ts';

const judgeText = judgeIn();

const missedIn = async (text: string) =>
  ((await judgeText(text, () => true)) ?? []).flatMap(({ mutant, verdict }) =>
    verdict.kind === 'survived' ? mutant.change : [],
  );

/** What its own requests miss, what is missed in the end, and the notes about it. */
async function noticed(objects: readonly KubeObject[]) {
  const plan = planFor(objects, undefined, 'here');
  const written = await writeNoticing(plan, 'here', 'first.yaml', judgeText);
  return {
    text: written.text,
    before: await missedIn(writeScenario(plan, 'here', 'first.yaml').text),
    after: await missedIn(written.text),
    notes: written.notes.filter((line) => line.startsWith('no check here notices')),
  };
}

const claim = (name: string, ...values: string[]) => ({
  when: [{ key: `request.auth.claims[${name}]`, values }],
});
const to = (operation: object) => ({ to: [{ operation }] });

test.each([
  ['a path that goes on', [rules([to({ paths: ['/login'] })])], '/login*', '/loginother'],
  ['another method', [rules([to({ paths: ['/a*'], methods: ['GET'] })])], 'methods', 'method: '],
  [
    'each value of a claim',
    [tokens(), rules([claim('role', 'admin', 'reader')])],
    'without reader',
    'role: reader',
  ],
  [
    'a header',
    [rules([{ when: [{ key: 'request.headers[x-a]', notValues: ['b*'] }] }])],
    'b for b*',
    'x-a: bother',
  ],
  [
    'a text that is no token, where none is looked for',
    [tokens({ fromHeaders: [{ name: 'Authorization', prefix: 'Bearer ' }] })],
    'fromHeaders',
    'raw: no-token',
  ],
])('%s', async (_, objects, mistake, added) => {
  const { before, after, notes, text } = await noticed(objects);
  expect(before).toContainEqual(expect.stringContaining(mistake));
  expect(after).toEqual([]);
  expect(notes).toEqual([]);
  expect(text).toContain(added);
});

test('a policy that holds for another workload by mistake is noticed there', async () => {
  const selected = (app: string) => ({ selector: { matchLabels: { app } } });
  const deployment = (name: string) =>
    ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'shop' },
      spec: { template: { metadata: { labels: { app: name } } } },
    }) as KubeObject;
  const spec = { ...selected('one'), rules: [to({ paths: ['/a'] })] };
  const other = policy('RequestAuthentication', {
    ...selected('two'),
    jwtRules: [{ issuer: 'https://two.example.com' }],
  });
  const all = [policy('AuthorizationPolicy', spec), other, deployment('one'), deployment('two')];
  const { before, after } = await noticed(all);
  expect(before.length).toBeGreaterThan(0);
  expect(after).toEqual([]);
});

describe('what no status code shows is seen in what the workload receives', () => {
  const authenticated = rules([{ from: [{ source: { requestPrincipals: ['*'] } }] }]);
  const outputs = (...claims: string[]) => ({
    outputClaimToHeaders: claims.map((name) => ({ header: `x-${name}`, claim: name })),
  });

  test.each<[string, object, string[]]>([
    ['a token', { forwardOriginalToken: true }, ['authorization: "Bearer ${token}"']],
    [
      'a token in another header',
      { forwardOriginalToken: true, fromHeaders: [{ name: 'X-Jwt', prefix: 'Token ' }] },
      ['x-jwt: "Token ${tokens.valid}"'],
    ],
    [
      'a token in the query',
      { forwardOriginalToken: true, fromParams: ['jwt'] },
      ['path: "/?jwt=${tokens.valid}"'],
    ],
    [
      'a token whose name has blanks, in the query',
      { forwardOriginalToken: true, fromParams: ['jwt'], audiences: ['shop'], ...outputs('email') },
      [`path: '/?jwt=\${tokens["with email some email"]}'`],
    ],
    ['the payload', { outputPayloadToHeader: 'x-payload' }, ['x-payload: "${token.payload}"']],
    ['claims', outputs('sub', 'email'), ['x-sub: somebody', 'x-email: some email', 'x-email: spoofed']],
    [
      'a claim within another',
      { outputClaimToHeaders: [{ header: 'x-realm', claim: 'realm.name' }] },
      ['x-realm: some name', 'x-realm: spoofed'],
    ],
    [
      'a list, which comes in base64',
      { ...outputs('aud'), audiences: ['shop'] },
      [`x-aud: ${Buffer.from('["shop"]').toString('base64')}`],
    ],
  ])('%s', async (_, rule, told) => {
    const { after, notes, text } = await noticed([tokens(rule), authenticated]);
    expect(after).toEqual([]);
    expect(notes).toEqual([]);
    for (const each of told) expect(text).toContain(each);
  });
});
test('what would take a method that nobody can send is no mistake that checks miss', async () => {
  const { before, notes } = await noticed([
    rules([{ ...to({ methods: ['/a.B/C'] }), from: [{ source: { namespaces: ['foo'] } }] }]),
  ]);
  expect(before).toEqual([]);
  expect(notes).toEqual([]);
});

test('a file that would be too large stays as it was, with what it misses', async () => {
  const plan = planFor([rules([to({ paths: ['/login'] })])], undefined, 'here');
  const texts: string[] = [];
  const { text, notes } = await writeNoticing(plan, 'here', 'first.yaml', async (content, isWanted) => {
    texts.push(content);
    return texts.length > 1 ? undefined : judgeText(content, isWanted);
  });
  expect(texts[1]).toContain('/loginother');
  expect(text.replaceAll(/^#.*\n/gm, '')).toBe(texts[0]?.replaceAll(/^#.*\n/gm, ''));
  expect(notes).toContainEqual(expect.stringContaining('no check here notices this mistake'));
});

test('of many policies it is said that nobody has looked', async () => {
  const many = Array.from({ length: 11 }, (_, at) =>
    policy('AuthorizationPolicy', { rules: [to({ paths: ['/a'] })] }, { name: `p${at}` }),
  );
  const nobody = () => Promise.reject(new Error('nobody is to look'));
  const { notes } = await writeNoticing(planFor(many, undefined, 'here'), 'here', 'first.yaml', nobody);
  expect(notes).toContainEqual(expect.stringContaining('"jwt-e2e mutate first.yaml" says it'));
});
