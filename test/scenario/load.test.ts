import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { loadScenarios, parseScenario } from '../../src/scenario/load.ts';
import { mistakesOf, scenarioOf, textAt } from './support.ts';

const minimal = (name: string) => `name: ${name}
title: A sample
source: { document: FAQ, section: Sample }
steps:
  - name: first
    through: ingress
    expect:
      columns: [no token]
      /: [200]
`;

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'scenarios-'));
  const files: Record<string, string | Buffer> = {
    'scenarios/documented/b.yaml': minimal('b'),
    'scenarios/documented/a.yml': minimal('a'),
    'scenarios/documented/notes.txt': 'not a scenario',
    'scenarios/documented/.hidden.yaml': 'nonsense: [',
    'scenarios/extended/deeper/c.yaml': minimal('c'),
    'mine/d.yaml': minimal('d'),
    'twice/one.yaml': minimal('same'),
    'twice/two.yaml': minimal('same'),
    'broken/one.yaml': minimal('one').replace('title', 'titel'),
    'broken/two.yaml': minimal('two'),
    'encoding/latin1.yaml': Buffer.from('name: a\ntitle: \u00e4\n', 'latin1'),
    'encoding/bom.yaml': `\uFEFF${minimal('bom')}`,
    'encoding/crlf.yaml': minimal('crlf').replaceAll('\n', '\r\n'),
    'encoding/replacement.yaml': Buffer.concat([Buffer.from('# \uFFFD\nname: '), Buffer.from([0xff])]),
    'empty/readme.md': '',
    'beside/here.yaml': minimal('here'),
    'beside/jwt-e2e.yaml': 'target: local\n',
    'beside/reports/past.yaml': minimal('past'),
    'beside/.github/workflow.yaml': 'on: push\n',
    'beside/node_modules/x/y.yaml': 'x: y\n',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(cwd, dirname(name)), { recursive: true });
    writeFileSync(join(cwd, name), content);
  }
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const load = (...paths: string[]) => {
  const { scenarios, errors } = loadScenarios(paths, { cwd });
  return {
    scenarios: scenarios.map(({ file, profile, name }) => `${profile} ${name} ${file}`),
    errors: errors.map(({ code, message, place }) => [code, message, place]),
  };
};

describe('loadScenarios', () => {
  test('finds the files of folders by name and of arguments in their order, each once', () => {
    expect(load('mine/d.yaml', 'scenarios', 'scenarios/documented/a.yml', './mine')).toEqual({
      scenarios: [
        'custom d mine/d.yaml',
        'documented a scenarios/documented/a.yml',
        'documented b scenarios/documented/b.yaml',
        'extended c scenarios/extended/deeper/c.yaml',
      ],
      errors: [],
    });
  });

  test('leaves out what lies beside scenarios: reports, settings, hidden folders; but not what is named', () => {
    const all = ['custom here beside/here.yaml'];
    expect(load('beside')).toEqual({ scenarios: all, errors: [] });
    expect(load('beside/reports').scenarios).toEqual(['custom past beside/reports/past.yaml']);
  });

  test('says which paths give no scenario', () => {
    expect(load('nowhere', 'empty', 'scenarios/documented/notes.txt')).toEqual({
      scenarios: [],
      errors: [
        ['E_USAGE', 'nowhere does not exist', undefined],
        ['E_USAGE', 'there is no scenario file in empty', undefined],
        ['E_USAGE', 'scenarios/documented/notes.txt is not a scenario file', undefined],
      ],
    });
  });

  test('says why a path cannot be followed, and passes links over that lead nowhere', () => {
    mkdirSync(join(cwd, 'links'));
    for (const name of ['loop', 'links/loop.yaml']) symlinkSync(basename(name), join(cwd, name));
    const long = 'x'.repeat(300);
    expect(load('loop', `${long}.yaml`, 'mine/d.yaml/x.yaml', 'links').errors).toEqual([
      ['E_USAGE', 'loop cannot be read (ELOOP)', undefined],
      ['E_USAGE', `${long}.yaml cannot be read (ENAMETOOLONG)`, undefined],
      ['E_USAGE', 'mine/d.yaml/x.yaml does not exist', undefined],
      ['E_USAGE', 'there is no scenario file in links', undefined],
    ]);
  });

  test('loads what is right next to what is wrong', () => {
    const { scenarios, errors } = load('broken');
    expect(scenarios).toEqual(['custom two broken/two.yaml']);
    expect(errors.map(([, message]) => message)).toEqual([
      'the key "title" is missing',
      'unknown key "titel"',
    ]);
  });

  test('refuses a name that another file has', () => {
    expect(load('twice')).toEqual({
      scenarios: ['custom same twice/one.yaml'],
      errors: [
        [
          'E_SCENARIO',
          'the name "same" is already used in twice/one.yaml:1',
          { file: 'twice/two.yaml', line: 1, column: 7 },
        ],
      ],
    });
  });

  test('reads UTF-8 with any line ends, and says where a file is something else', () => {
    expect(load('encoding')).toEqual({
      scenarios: ['custom bom encoding/bom.yaml', 'custom crlf encoding/crlf.yaml'],
      errors: [
        [
          'E_SCENARIO',
          'the file is not encoded in UTF-8',
          { file: 'encoding/latin1.yaml', line: 2, column: 8 },
        ],
        [
          'E_SCENARIO',
          'the file is not encoded in UTF-8',
          { file: 'encoding/replacement.yaml', line: 2, column: 7 },
        ],
      ],
    });
  });
});

describe('places', () => {
  test('point to the value, or to what should hold it', () => {
    const { place } = scenarioOf(minimal('a'));
    const at = (...path: (string | number)[]) => {
      const { line, column } = place(path);
      return `${line}:${column}`;
    };
    expect(at('name')).toBe('1:7');
    expect(at('source', 'section')).toBe('3:35');
    expect(at('steps', 0, 'expect', '/', 0)).toBe('9:11');
    expect(at('steps', 0, 'expect', '/', 7)).toBe('9:7');
    expect(at('steps', 0, 'apply')).toBe('5:5');
    expect(at('tokens', 'valid')).toBe('1:1');
  });

  test('follow aliases into what they stand for', () => {
    const source = minimal('a').replace('expect:', 'request: &r { host: a.example.com }\n    expect:');
    const second = `${source}  - { name: second, through: ingress, request: *r, expect: { columns: [no token], /: [201] } }\n`;
    const { place, steps } = scenarioOf(second);
    expect(steps[1]?.request?.host).toBe('a.example.com');
    expect(textAt(second, place(['steps', 1, 'request', 'host']))).toBe('a.example.com }');
  });
});

describe('an unknown key', () => {
  const scenario = {
    name: 'sample',
    title: 'A sample',
    source: { document: 'FAQ', section: 'Sample' },
    when: { istio: '>=1.20' },
    issuers: { sample: { issuer: 'me', keys: { one: { algorithm: 'RS256' } } } },
    tokens: { valid: { issuer: 'sample' } },
    keyServers: { keys: { serves: 'sample', where: 'in-cluster', pods: { namespace: 'foo', app: 'nginx' } } },
    steps: [
      {
        name: 'first',
        delete: [{ apiVersion: 'v1', kind: 'Service', name: 'x' }],
        through: 'ingress',
        request: { path: '/x' },
        expect: {
          columns: ['valid'],
          'no token': [{ code: 200, body: { contains: 'x' } }],
          valid: [[{ code: 401, when: { istio: '<1.2' } }]],
        },
        fetched: { from: 'keys', by: 'istiod' },
      },
    ],
  };
  const maps: (string | number)[][] = [
    [],
    ['source'],
    ['when'],
    ['issuers', 'sample'],
    ['issuers', 'sample', 'keys', 'one'],
    ['tokens', 'valid'],
    ['keyServers', 'keys'],
    ['keyServers', 'keys', 'pods'],
    ['steps', 0],
    ['steps', 0, 'delete', 0],
    ['steps', 0, 'request'],
    ['steps', 0, 'expect', 'no token', 0],
    ['steps', 0, 'expect', 'no token', 0, 'body'],
    ['steps', 0, 'expect', 'valid', 0, 0],
    ['steps', 0, 'expect', 'valid', 0, 0, 'when'],
    ['steps', 0, 'fetched'],
  ];

  test('is always reported at its own place, whatever it is called and wherever it is', () => {
    const names = fc.stringMatching(/^[a-z]{3,12}$/).map((name) => `x${name}`);
    fc.assert(
      fc.property(fc.constantFrom(...maps), names, fc.boolean(), (path, name, flow) => {
        const copy = structuredClone(scenario);
        let map: Record<string | number, unknown> = copy as never;
        for (const segment of path) map = map[segment] as never;
        map[name] = 1;
        const source = stringify(copy, { collectionStyle: flow ? 'flow' : 'block', lineWidth: 0 });
        const before = source.slice(0, source.search(new RegExp(`\\b${name}:`))).split('\n');
        const { errors } = parseScenario(source, 'sample.yaml');
        expect(errors.map(({ message, place }) => ({ message, place }))).toContainEqual({
          message: `unknown key "${name}"`,
          place: { file: 'sample.yaml', line: before.length, column: before.at(-1)!.length + 1 },
        });
      }),
      { numRuns: 200 },
    );
  });
});

test('no text makes the loader throw, and what it refuses has a place', () => {
  const lines = fc.constantFrom(
    ...minimal('a').split('\n'),
    'tokens: &t',
    '  valid: *t',
    '? [a]: b',
    '${x}: 1',
    '- : -',
    '\t',
    '"',
    '<<: *t',
    'lists: { a: [b] }',
  );
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 12 }), (parts) => {
      const { scenario, errors } = parseScenario(parts.join('\n'), 'sample.yaml');
      expect(scenario === undefined).toBe(errors.length > 0);
      for (const { place } of errors) expect(place).toBeDefined();
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['a key that is a list', '? [a]\n: b\n', ['1:3 a key must be text']],
  ['an alias within itself', 'a: &x [*x]\n', ['1:8 "*x" contains itself']],
  ['only a scalar', 'scenario\n', ['1:1 expected a map with the keys of a scenario']],
  ['nothing but a marker', '---\n', ['1:4 the file is empty']],
])('%s is refused', (_, source, mistakes) => {
  expect(mistakesOf(source)).toEqual(mistakes);
});

test('a manifest, which is no scenario, is told as such, and not key by key', () => {
  const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: orders, namespace: shop }
---
apiVersion: v1
kind: Service
`;
  const { scenario, errors } = parseScenario(policy, 'my policies/orders.yaml');
  expect(scenario).toBeUndefined();
  expect(errors.map(({ message, hint, place }) => [message, hint, place?.line])).toEqual([
    [
      'this is no scenario, but an object of Kubernetes: AuthorizationPolicy',
      `Name the files or the folder of your scenarios, which apply it with "files". For a first one: jwt-e2e init --from 'my policies/orders.yaml'`,
      1,
    ],
  ]);
});

test('a name that is nearly that of a file or folder leads to it', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'jwt-e2e-near-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  mkdirSync(join(cwd, 'tests'));
  writeFileSync(join(cwd, 'tests', 'orders.yaml'), '');
  const hints = (path: string) => loadScenarios([path], { cwd }).errors.map(({ hint }) => hint);
  expect(hints('test')).toEqual(['Did you mean tests?']);
  expect(hints('tests/order.yml')).toEqual(['Did you mean tests/orders.yaml?']);
  expect(hints('elsewhere/orders.yaml')).toEqual([
    'Name scenario files, or folders that contain them, relative to where you are.',
  ]);
});
