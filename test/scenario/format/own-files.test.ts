/** Manifests that stay in files of the user's own. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatPlace } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/files/limits.ts';
import { loadScenarios } from '../../../src/scenario/load.ts';

const authentication = `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: jwt
  namespace: shop
spec:
  jwtRules:
    - issuer: me
      jwksUri: https://login.example.com/keys
    - issuer: other
      jwksUri: https://other.example.com/keys
`;
const authorization = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: require, namespace: shop }
spec: { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }
`;

/** A folder with these files, and a scenario that applies `entries`. */
function load(
  files: Readonly<Record<string, string>>,
  entries: string,
  apply = 'apply',
  loops: string[] = [],
) {
  const cwd = mkdtempSync(join(tmpdir(), 'own-files-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  for (const name of loops) symlinkSync(name, join(cwd, name));
  const scenario = `name: own
title: Own files
source: { document: d, section: s }
apps: [httpbin, sleep]
issuers: { sample: { issuer: me }, same: { issuer: me }, odd: { issuer: nobody }, 'with "': { issuer: me } }
tokens: { valid: { issuer: sample } }
steps:
  - name: first
    ${apply}: ${entries}
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect: { columns: [no token], /headers: [200] }
`;
  mkdirSync(join(cwd, 'tests'), { recursive: true });
  writeFileSync(join(cwd, 'tests/own.yaml'), scenario);
  const { scenarios, errors } = loadScenarios(['tests'], { cwd });
  const [loaded] = scenarios;
  return {
    cwd,
    loaded,
    manifests: loaded?.steps[0]?.apply ?? [],
    names: (loaded?.steps[0]?.apply ?? []).map(
      ({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`,
    ),
    errors: errors.map(
      ({ message, hint, place }) => `${place === undefined ? '' : formatPlace(place)}: ${message} | ${hint}`,
    ),
  };
}
const both = { 'policies/a.yaml': authentication, 'policies/b.yaml': authorization };
const bothNames = ['RequestAuthentication shop/jwt', 'AuthorizationPolicy shop/require'];

describe('files', () => {
  test.each([
    ['a file each', '[{ files: ../policies/a.yaml }, { files: ../policies/b.yaml }]'],
    ['a list', '[{ files: [../policies/a.yaml, ../policies/b.yaml] }]'],
    ['a pattern', '[{ files: ../policies/*.yaml }]'],
    ['a folder', '[{ files: ../policies }]'],
    ['a folder with a slash', '[{ files: ../policies/ }]'],
    ['a pattern over folders', '[{ files: "../**/[ab].yaml" }]'],
    ['a pattern that has a file of the list', '[{ files: [../policies/a.yaml, "../policies/*.yaml"] }]'],
    ['a folder, and a file in it', '[{ files: [../policies, ../policies/b.yaml] }]'],
  ])('are named by %s', (_, entries) => {
    const { names, errors, loaded, cwd } = load(both, entries);
    expect(errors).toEqual([]);
    expect(names).toEqual(bothNames);
    expect(loaded?.ownFiles).toEqual([join(cwd, 'policies/a.yaml'), join(cwd, 'policies/b.yaml')]);
  });

  test('may have several documents, lists, JSON, and comments alone', () => {
    const several = `# a comment\n---\n${authentication}---\n# nothing\n---\n${authorization}`;
    expect(load({ 'p.yaml': several }, '[{ files: ../p.yaml }]').names).toEqual(bothNames);
    const item = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'foo' } };
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item, item] });
    expect(load({ 'p.json': list }, '[{ files: ../p.json }]').names).toEqual(
      Array(2).fill('ConfigMap foo/c'),
    );
  });

  test('may be in a folder whose name has signs of patterns', () => {
    const odd = { '[prod] {x} (1)/a.yaml': authentication, '[prod] {x} (1)/b/b.yaml': authorization };
    expect(load(odd, '[{ files: "../[prod] {x} (1)" }]').names).toEqual(bothNames);
  });

  test('that were put behind each other may have a byte order mark each', () => {
    const several = `\uFEFF${authentication}---\n\uFEFF${authorization}`;
    expect(load({ 'p.yaml': several }, '[{ files: ../p.yaml }]').names).toEqual(bothNames);
  });

  test('of some kinds may stand beside a kustomization', () => {
    const beside = { ...both, 'policies/x/kustomization.yaml': 'resources: [../a.yaml]\n' };
    const kinds = 'kinds: [RequestAuthentication, AuthorizationPolicy]';
    expect(load(beside, `[{ files: ../policies, ${kinds} }]`).names).toEqual(bothNames);
  });

  test('stand among manifests that are written out, in their order, each with its place', () => {
    const other = '{ apiVersion: v1, kind: ConfigMap, metadata: { name: c, namespace: foo } }';
    const { names, loaded } = load(both, `[${other}, { files: ../policies/*.yaml }, ${other}]`);
    expect(names).toEqual(['ConfigMap foo/c', ...bothNames, 'ConfigMap foo/c']);
    const places = [0, 1, 2, 3].map((index) =>
      formatPlace(loaded!.place(['steps', 0, 'apply', index, 'kind'])),
    );
    expect(places).toEqual([
      'tests/own.yaml:9:37',
      'policies/a.yaml:2:7',
      'policies/b.yaml:2:7',
      expect.stringMatching(/^tests\/own\.yaml:9:\d{3}$/),
    ]);
  });

  const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: orders, namespace: shop }
spec: { image: "${'$'}{nobody}" }
`;
  const mixed = {
    'policies/a.yaml': `${authentication}---\n${deployment}`,
    'policies/b.yaml': `${authorization}---\n${deployment}`,
  };

  test('may be of some kinds only, and others are left out', () => {
    const of = (kinds: string, more = '') => load(mixed, `[{ files: ../policies, kinds: ${kinds}${more} }]`);
    expect(of('[AuthorizationPolicy, RequestAuthentication]').names).toEqual(bothNames);
    expect(of('[AuthorizationPolicy]', ', namespace: foo').names).toEqual([
      'AuthorizationPolicy foo/require',
    ]);
    expect(of('[RequestAuthentication]', ', keys: [sample]').errors).toEqual([]);
    expect(of('[RequestAuthentication]', ', patches: [{ kind: Deployment, merge: {} }]').errors).toEqual([
      expect.stringContaining('there is no Deployment in these files | There is: RequestAuthentication jwt.'),
    ]);
  });

  test('of a kind that is not in them are a mistake, unless a file cannot be read', () => {
    const of = (kinds: string, files: Readonly<Record<string, string>> = mixed) =>
      load(files, `[{ files: ../policies, kinds: ${kinds} }]`).errors;
    expect(of('[RequestAuthentication, AuthorisationPolicy]')).toEqual([
      'tests/own.yaml:9:66: there is no AuthorisationPolicy in these files | Did you mean "AuthorizationPolicy"?',
    ]);
    expect(of('[Service]')).toEqual([
      'tests/own.yaml:9:43: there is no Service in these files | The kinds in them are: RequestAuthentication, Deployment, AuthorizationPolicy.',
    ]);
    expect(of('[Service]', { 'policies/a.yaml': '# nothing' })[0]).toContain('There are no kinds in them.');
    expect(of('[Service]', { 'policies/a.yaml': 'a: [' })).toEqual([expect.not.stringContaining('Service')]);
    expect(of('[]')[0]).toContain('expected at least one kind');
  });

  test('are taken literally', () => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c, namespace: foo }\ndata: { a: "\${HOME} $\${x}" }\n`;
    const { manifests, errors } = load({ 'p.yaml': text }, '[{ files: ../p.yaml }]');
    expect(errors).toEqual([]);
    // As a template that stands for the text itself.
    expect(manifests[0]?.data).toEqual({ a: '$${HOME} $$${x}' });
  });
});

describe('what a test changes', () => {
  test('keys of the run in place of jwksUri, for the issuers that are named', () => {
    const { manifests, errors } = load(both, '[{ files: ../policies, keys: [sample] }]');
    expect(errors).toEqual([]);
    expect(manifests[0]?.spec).toEqual({
      jwtRules: [
        { issuer: 'me', jwks: '${issuers["sample"].jwks}' },
        { issuer: 'other', jwksUri: 'https://other.example.com/keys' },
      ],
    });
  });

  test('keys of an issuer with a quote in its name', () => {
    const { loaded, errors } = load(both, `[{ files: ../policies, keys: ['with "'] }]`);
    expect(errors).toEqual([]);
    expect(JSON.stringify(loaded?.steps[0]?.apply)).toContain(`\${issuers['with \\"'].jwks}`);
  });

  test('another namespace, but not of what has none', () => {
    const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: n }\n';
    const { names } = load(
      { ...both, 'policies/c.yaml': namespace },
      '[{ files: ../policies, namespace: foo }]',
    );
    expect(names).toEqual([
      'RequestAuthentication foo/jwt',
      'AuthorizationPolicy foo/require',
      'Namespace undefined/n',
    ]);
  });

  test('whatever a patch merges into them', () => {
    const patches =
      '[{ kind: AuthorizationPolicy, name: require, merge: { spec: { action: DENY, rules: null } } }]';
    const { manifests, errors } = load(both, `[{ files: ../policies, patches: ${patches} }]`);
    expect(errors).toEqual([]);
    expect(manifests.map(({ spec }) => Object.keys(spec as object))).toEqual([['jwtRules'], ['action']]);
  });
});

describe('mistakes', () => {
  test.each<[string, Readonly<Record<string, string>>, string, RegExp]>([
    [
      'no such file',
      both,
      '[{ files: ../nothing.yaml }]',
      /^tests\/own\.yaml:9:22: there is no file \.\.\/nothing\.yaml \| /,
    ],
    ['no such pattern', both, '[{ files: [../x/*.yaml] }]', /^tests\/own\.yaml:9:23: there is no file/],
    [
      'an unknown key',
      both,
      '[{ files: ../policies, key: [sample] }]',
      /^tests\/own\.yaml:9:35: unknown key "key" \| Did you mean "keys"\?/,
    ],
    [
      'an unknown issuer',
      both,
      '[{ files: ../policies, keys: [simple] }]',
      /^tests\/own\.yaml:9:42: there is no issuer "simple" \| Did you mean "sample"\?/,
    ],
    [
      'an issuer that no rule has',
      { 'policies/a.yaml': authentication.replace('issuer: me', 'issuer: you') },
      '[{ files: ../policies, keys: [sample] }]',
      /has a rule for issuer me \| The issuers in them are: you, other/,
    ],
    [
      'a patch for nothing',
      both,
      '[{ files: ../policies, patches: [{ kind: Service, merge: {} }] }]',
      /there is no Service in these files \| There is: RequestAuthentication jwt, AuthorizationPolicy require/,
    ],
    [
      'no object',
      { 'policies/a.yaml': `---\n${authentication}---\n- 1\n` },
      '[{ files: ../policies }]',
      /^policies\/a\.yaml:14:1: expected a Kubernetes object/,
    ],
    [
      'no name',
      { 'policies/a.yaml': authorization.replace('name: require, ', '') },
      '[{ files: ../policies }]',
      /^policies\/a\.yaml:3:\d+: the key "name" is missing/,
    ],
    [
      'no YAML',
      { 'policies/a.yaml': `${authorization}---\n${authentication}  bad: [\n` },
      '[{ files: ../policies }]',
      /^policies\/a\.yaml:1\d:\d+: /,
    ],
    [
      'a template',
      { 'policies/a.yaml': 'kind: {{ .Values.kind }}\n' },
      '[{ files: ../policies }]',
      /the file is a template \| Render it first, such as with "helm template/,
    ],
    [
      'a policy without a namespace',
      { 'policies/a.yaml': authorization.replace(', namespace: shop', '') },
      '[{ files: ../policies }]',
      /^policies\/a\.yaml:3:\d+: .*namespace/,
    ],
    [
      'a file that is no manifest by its name',
      { 'policies/a.txt': authorization },
      '[{ files: ../policies/a.txt }]',
      /9:22: \.\.\/policies\/a\.txt is no file with manifests, by its name \| Files are named .* ends with \.yaml/,
    ],
    [
      'a folder without manifests',
      { 'policies/a.txt': authorization },
      '[{ files: ../policies }]',
      /9:22: there is no file with manifests in \.\.\/policies \|/,
    ],
    [
      'something below a file',
      both,
      '[{ files: ../policies/a.yaml/b.yaml }]',
      /9:22: there is no file \.\.\/policies\/a\.yaml\/b\.yaml \|/,
    ],
    [
      'a name that is too long',
      both,
      `[{ files: ../${'a'.repeat(300)}.yaml }]`,
      /9:22: \.\.\/a+\.yaml cannot be read \(ENAMETOOLONG\) \|/,
    ],
    ['no path', both, '[{ files: "a\\0b" }]', /9:22: a\0b cannot be a path \|/],
    [
      'an empty file beside others',
      { ...both, 'policies/c.yaml': '# nothing\n---\n' },
      '[{ files: [../policies/a.yaml, ../policies/c.yaml] }]',
      /9:43: there is no object in \.\.\/policies\/c\.yaml \|/,
    ],
    [
      'a kustomization in place of its folder',
      { ...both, 'x/kustomization.yaml': 'resources: [../a.yaml]\n' },
      '[{ files: ../x/kustomization.yaml }]',
      /9:22: x\/kustomization\.yaml is a kustomization, and not what is applied \| Name its folder alone/,
    ],
    [
      'an issuer twice',
      both,
      '[{ files: ../policies, keys: [sample, sample] }]',
      /9:50: the issuer "sample" is there twice \|/,
    ],
    [
      'two issuers of the same name in tokens',
      both,
      '[{ files: ../policies, keys: [sample, same] }]',
      /9:50: "sample" and "same" are both the issuer me \|/,
    ],
    [
      'a patch for an object that has no name',
      { 'policies/a.yaml': 'kind: Service\n' },
      '[{ files: ../policies, patches: [{ kind: Service, name: x, merge: {} }] }]',
      /there is no Service x in these files \| There is: Service without a name\./,
    ],
  ])('%s', (_, files, entries, message) => {
    const { errors } = load(files, entries);
    expect(errors[0]).toMatch(message);
  });

  test('about keys have their place, whatever stands before them', () => {
    const { errors } = load(both, '[{ files: ../policies, keys: [simple, odd] }]');
    expect(errors).toEqual([
      expect.stringMatching(/9:42: there is no issuer "simple"/),
      expect.stringMatching(/9:50: no RequestAuthentication in these files has a rule for issuer nobody/),
    ]);
  });

  test('a link to itself', () => {
    const { errors } = load(both, '[{ files: ../loop }]', 'apply', ['loop']);
    expect(errors[0]).toMatch(/9:22: \.\.\/loop cannot be read \(ELOOP\) \|/);
  });
});

describe('files of others', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    .concat(
      [...'bcdefgh'].map(
        (name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefg'[index]}`).join(', ')}]`,
      ),
    )
    .join('\n');
  test.each<[string, string, RegExp]>([
    ['aliases of aliases', bomb, /^policies\/a\.yaml:\d+:\d+: .*more than \d+ keys and list entries/],
    [
      'deep nesting',
      `a: ${'['.repeat(3000)}`,
      /^policies\/a\.yaml:1:\d+: this is nested more than \d+ levels deep/,
    ],
    ['an alias of nothing', 'kind: *nothing\n', /^policies\/a\.yaml:1:7: "\*nothing" refers to nothing/],
  ])('with %s are refused in place', (_, text, message) => {
    const { errors } = load({ 'policies/a.yaml': text }, '[{ files: ../policies }]');
    expect(errors[0]).toMatch(message);
  });

  test('of another kind, hidden, or of packages are not read', () => {
    const others = {
      'policies/passwd': 'root',
      'policies/.hidden/a.yaml': 'x',
      'policies/node_modules/p/a.yaml': 'x',
    };
    const { names, errors } = load({ ...both, ...others }, '[{ files: ../policies }]');
    expect([errors, names]).toEqual([[], bothNames]);
    for (const [pattern, message] of [
      ['../policies/passwd', '../policies/passwd is no file with manifests'],
      ['../policies/pass*', 'there is no file ../policies/pass*'],
      ['/etc/passwd', '/etc/passwd is no file with manifests'],
    ])
      expect(load(others, `[{ files: "${pattern}" }]`).errors[0]).toContain(message);
  });

  test('are not looked for without an end', () => {
    const { filesLookedAt } = limits;
    Object.assign(limits, { filesLookedAt: 5 });
    try {
      expect(load(both, '[{ files: ../policies }]').names).toEqual(bothNames);
      const many = Object.fromEntries(
        Array.from({ length: 9 }, (_, n) => [`policies/${n}/a.yaml`, authorization]),
      );
      expect(load(many, '[{ files: "../**/*.yaml" }]').errors[0]).toMatch(
        /has too many files and folders in it to look for manifests \| .*no more than 5 files/,
      );
    } finally {
      Object.assign(limits, { filesLookedAt });
    }
  });

  test('with many documents take time in proportion', () => {
    const took = (count: number) => {
      const started = process.cpuUsage();
      load({ 'policies/a.yaml': '--- x\n'.repeat(count) }, '[{ files: ../policies }]');
      const { user, system } = process.cpuUsage(started);
      return user + system;
    };
    took(500);
    expect(took(8_000) / took(1_000)).toBeLessThan(30);
  });
});

describe('kustomizations', () => {
  const files = {
    'base/kustomization.yaml': 'resources: [a.yaml]\n',
    'base/a.yaml': authorization,
    'test/kustomization.yaml': 'resources: [../base]\nnamespace: test\n',
  };

  test('that need what is not here are not rendered', () => {
    const remote = { ...files, 'base/kustomization.yaml': 'resources: ["https://example.com/a.yaml"]\n' };
    expect(load(remote, '[{ files: ../test }]').errors[0]).toMatch(
      /^tests\/own\.yaml:9:22: the kustomization test needs https:\/\/example\.com\/a\.yaml, which is not here \| /,
    );
  });

  test.each([
    [
      'a patch',
      'resources: [a.yaml]\npatches: [{ path: "https://example.com/p.yaml" }]\n',
      'https://example.com/p.yaml',
    ],
    [
      'a schema',
      'resources: [a.yaml]\nopenapi: { path: "http://example.com/o.json" }\n',
      'http://example.com/o.json',
    ],
    ['a repository', 'resources: ["git::ssh://example.com/r"]\n', 'git::ssh://example.com/r'],
    ['a chart', 'helmCharts: [{ name: c }]\n', 'charts of Helm'],
  ])('are not rendered for %s from elsewhere', (_, text, what) => {
    const remote = { ...files, 'base/kustomization.yaml': text };
    expect(load(remote, '[{ files: ../test }]').errors[0]).toContain(`needs ${what}, which is not here`);
  });

  test('that are no YAML are refused in place', () => {
    const broken = { ...files, 'base/kustomization.yaml': 'resources: [\n' };
    expect(load(broken, '[{ files: ../test }]').errors[0]).toMatch(/^base\/kustomization\.yaml:\d+:\d+: /);
  });

  test('need a program', () => {
    const { errors, names } = load(files, '[{ files: ../test }]');
    if (errors.length === 0) expect(names).toEqual(['AuthorizationPolicy test/require']);
    else expect(errors[0]).toMatch(/neither kustomize nor kubectl to render it \| Install kubectl, or save/);
  });
});
