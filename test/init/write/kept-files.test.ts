/** Policies stay in the user's files; what a test must change of them is in the scenario, and copies say why they are some. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { planFor } from '../../../src/init/first-plan.ts';
import { readFolder } from '../../../src/init/read-folder.ts';
import { keptFiles } from '../../../src/init/write/kept-files.ts';
import { writeScenario } from '../../../src/init/write/write.ts';
import { knownApps } from '../../../src/scenario/known-apps.ts';
import { parseScenario } from '../../../src/scenario/load.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { policy, rules, tokens } from '../support.ts';

type Files = Readonly<Record<string, string | readonly object[]>>;

/** What `apply` has of the policies, the objects that it stands for, and what is said. */
function kept(files: Files) {
  const cwd = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(cwd, 'policies', name);
    mkdirSync(dirname(path), { recursive: true });
    const text = typeof content === 'string' ? content : content.map((each) => stringify(each)).join('---\n');
    writeFileSync(path, text);
  }
  const read = readFolder('policies', cwd);
  const from = { folder: join(cwd, 'tests'), cwd };
  const planned = planFor(read.objects, undefined, 'policies');
  const plan = { ...planned, kept: keptFiles(planned, read.files, from) };
  const { text } = writeScenario(plan, 'policies', 'tests/first.yaml');
  const loaded = parseScenario(text, 'tests/first.yaml', undefined, knownApps(), from);
  expect(loaded.errors).toEqual([]);
  const { steps } = parse(text) as { steps: { name: string; apply?: Record<string, unknown>[] }[] };
  const at = steps.findIndex(({ name }) => name.startsWith('with the policies'));
  const objects = loaded.scenario?.steps[at]?.apply ?? [];
  return { text, entries: steps[at]?.apply, objects, copied: plan.kept.copied };
}

test('files with nothing but policies are named, with the issuers that get keys', () => {
  const { entries, objects, copied } = kept({
    'b/tokens.yaml': [tokens({ jwksUri: 'https://login.example.com/keys' })],
    'a.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [rules([{}])] }),
  });
  expect(entries).toEqual([
    { files: ['../policies/a.json', '../policies/b/tokens.yaml'], keys: ['login-example-com'] },
  ]);
  expect(objects.map(({ kind }) => kind)).toEqual(['AuthorizationPolicy', 'RequestAuthentication']);
  expect(objects[1]?.spec).toEqual({
    jwtRules: [{ issuer: 'https://login.example.com', jwks: '${issuers["login-example-com"].jwks}' }],
  });
  expect(copied).toEqual([]);
});

test('PeerAuthentications stay with the policies', () => {
  const strict = policy('PeerAuthentication', { mtls: { mode: 'STRICT' } });
  expect(kept({ 'all.yaml': [tokens(), strict] }).objects.map(({ kind }) => kind)).toEqual([
    'RequestAuthentication',
    'PeerAuthentication',
  ]);
});

test('of files with other objects the kinds of the policies are named', () => {
  const other = (kind: string) => ({ apiVersion: 'v1', kind, metadata: { name: 'c', namespace: 'shop' } });
  const custom = policy('AuthorizationPolicy', { action: 'CUSTOM' }, { name: 'ask' });
  const { entries, objects, copied } = kept({
    'a.yaml': [tokens(), other('ConfigMap'), custom],
    'b.yaml': [rules([{}])],
    'c.yaml': [other('Secret'), tokens({}, { name: 'more' })],
    'd.yaml': [policy('PeerAuthentication', { mtls: { mode: 'STRICT' } }), other('ConfigMap')],
  });
  expect(entries).toEqual([
    {
      files: ['../policies/a.yaml', '../policies/c.yaml'],
      kinds: ['RequestAuthentication'],
      keys: ['login-example-com'],
    },
    { files: '../policies/b.yaml' },
    { files: '../policies/d.yaml', kinds: ['PeerAuthentication'] },
  ]);
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'RequestAuthentication tokens',
    'RequestAuthentication more',
    'AuthorizationPolicy rules',
    'PeerAuthentication rules',
  ]);
  expect(copied).toEqual([]);
});

test('policies that say no namespace get the one that they count for', () => {
  const homeless = (object: KubeObject): KubeObject => {
    const { namespace: _, ...metadata } = object.metadata;
    return { ...object, metadata };
  };
  const { entries, objects } = kept({
    'a.yaml': [homeless(tokens()), homeless(rules([{}]))],
    'b.yaml': [policy('AuthorizationPolicy', {}, { name: 'more' })],
  });
  expect(entries).toEqual([
    { files: '../policies/a.yaml', namespace: 'default', keys: ['login-example-com'] },
    { files: '../policies/b.yaml' },
  ]);
  expect(objects.map(({ metadata }) => metadata.namespace)).toEqual(['default', 'default', 'shop']);
  expect(kept({ 'a.yaml': [homeless(tokens()), rules([{}])] }).copied).toEqual([
    'policies/a.yaml: RequestAuthentication tokens says no namespace, and others of it do',
  ]);
});

test('what a test must change is in patches: addresses, rules for any issuer, what an API server has written', () => {
  const list = [
    { from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] },
    { to: [{ operation: { hosts: ['${x}'] } }] },
  ];
  const server = {
    uid: '1',
    resourceVersion: '2',
    creationTimestamp: null,
    labels: { 'istio.io/rev': 'old', a: 'b' },
  };
  const { entries, objects } = kept({
    'rules.yaml': [rules(list)],
    'tokens.yaml': [
      {
        ...tokens({ issuer: undefined, jwksUri: 'https://a.example.com' }, server),
        status: { conditions: [] },
      },
    ],
  });
  expect(entries?.map(({ files, keys }) => [files, keys])).toEqual([
    ['../policies/rules.yaml', undefined],
    ['../policies/tokens.yaml', undefined],
  ]);
  expect(objects[0]?.spec).toEqual({
    action: 'ALLOW',
    rules: [
      { from: [{ source: { ipBlocks: ['203.0.113.0/24'] } }] },
      { to: [{ operation: { hosts: ['$${x}'] } }] },
    ],
  });
  expect(objects[1]).toEqual({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'tokens', namespace: 'shop', creationTimestamp: null, labels: { a: 'b' } },
    spec: {
      jwtRules: [{ issuer: '${issuers.any-example-com.issuer}', jwks: '${issuers.any-example-com.jwks}' }],
    },
  });
});

const big = `${'# '.padEnd(1024, 'x')}\n`.repeat(1100);
test.each<[string, Files, string]>([
  [
    'of a kind one that is left out',
    {
      'a.yaml': [tokens(), rules([{}]), policy('AuthorizationPolicy', { action: 'CUSTOM' }, { name: 'ask' })],
    },
    'policies/a.yaml: it also has AuthorizationPolicy shop/ask, which the scenario must not apply',
  ],
  [
    'the same twice',
    { 'a.yaml': [tokens()], 'b.yaml': [tokens()] },
    'policies/a.yaml: RequestAuthentication shop/tokens is there more than once',
  ],
  [
    'a part that is no YAML',
    { 'a.yaml': `${stringify(tokens())}---\na: [` },
    'policies/a.yaml: not all of it can be read',
  ],
  [
    'two of one name, of which one has to be changed',
    {
      'a.yaml': [
        tokens({ issuer: undefined, jwksUri: 'https://a.example.com' }),
        tokens({}, { namespace: 'pay' }),
      ],
    },
    'policies/a.yaml: RequestAuthentication tokens is in two namespaces, and has to be changed for a test',
  ],
  [
    'more than a scenario may have',
    { 'a.yaml': `${big}${stringify(tokens())}` },
    'policies/a.yaml: it has 1.1 MiB, more than the 1 MiB that are read',
  ],
])('copies, and why: %s', (_, files, why) => {
  const { entries, copied, text } = kept(files);
  expect(copied[0]).toBe(why);
  expect(entries?.[0]).toMatchObject({ kind: 'RequestAuthentication' });
  expect(text).toContain(`#   ${why}.`);
});
