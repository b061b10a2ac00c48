import { describe, expect, test } from 'vitest';
import type { RequestCheck } from '../../src/plan/types.ts';
import { loadScenarios } from '../../src/scenario/load.ts';
import { checksOf, idsOf, planOf, scenario, step } from './support.ts';

const manifest = (kind: string, name: string) =>
  `{ apiVersion: v1, kind: ${kind}, metadata: { name: ${name} }, data: { row: '$\${row}' } }`;
const requestsOf = (checks: readonly { kind: string }[]) =>
  checks.filter((check): check is RequestCheck => check.kind === 'request');
const stepsOf = (...args: Parameters<typeof planOf>) => planOf(...args).scenarios[0]!.steps;

test('every scenario of the product loads, and has a check for every mesh', () => {
  const { scenarios, errors } = loadScenarios(['scenarios'], { cwd: process.cwd() });
  expect(errors).toEqual([]);
  expect(scenarios.length).toBeGreaterThan(0);
  for (const fetch of ['istiod', 'envoy', 'hybrid'] as const) {
    for (const planned of planOf(scenarios, {}, { fetch }).scenarios) {
      expect(checksOf([planned]), planned.info.id).not.toEqual([]);
    }
  }
});

describe('a scenario', () => {
  const rows = ['no token: [{ code: 403, body: "RBAC: access denied" }]', 'valid: [200]', 'expired: [401]'];
  const steps = step('a token is required', rows, '    request: { url: http://httpbin.foo:8000 }\n')
    .replace('through: ingress', 'from: sleep.foo')
    .replace('[no token, valid]', '[/headers]');
  const planned = () => planOf([scenario('require-jwt', steps, 'apps: [httpbin, sleep]')]);

  test('has a check for every cell', () => {
    const { scenarios } = planned();
    expect(idsOf(scenarios)).toEqual(['require-jwt']);
    expect(checksOf(scenarios)).toEqual([
      'require-jwt/a token is required/no token//headers',
      'require-jwt/a token is required/valid//headers',
      'require-jwt/a token is required/expired//headers',
    ]);
    expect(scenarios[0]).toMatchObject({
      info: {
        mesh: 'mesh',
        profile: 'documented',
        source: { document: 'FAQ' },
        place: { file: 'require-jwt.yaml', line: 1, column: 7 },
      },
      steps: [{ place: { file: 'require-jwt.yaml', line: 8, column: 11 } }],
      apps: ['httpbin', 'sleep'],
      skip: undefined,
    });
  });

  test('takes tokens from rows where the columns are paths', () => {
    const [first, second] = requestsOf(planned().scenarios[0]!.steps[0]!.checks);
    expect(first).toMatchObject({
      request: { method: 'GET', url: 'http://httpbin.foo:8000', path: '/headers', token: undefined },
      expected: { code: 403, body: 'RBAC: access denied' },
      place: { file: 'require-jwt.yaml', line: 13, column: 18 },
    });
    expect(second).toMatchObject({ row: 'valid', request: { token: 'valid' }, expected: { code: 200 } });
  });
});

test('a scenario says where its promise stands, and has an address only when it says one', () => {
  const loaded = scenario('sample', step('first', ['/: [200, 200]']));
  const url = 'https://istio.io/latest/docs/';
  const source = { document: 'FAQ', section: 'Sample' };
  const none = { document: '', section: '' };
  const sources = [loaded, { ...loaded, source: { ...source, url } }, { ...loaded, source: undefined }].map(
    (each) => {
      const [planned] = planOf([each]).scenarios;
      return [planned?.info.source, planned?.steps[0]?.source];
    },
  );
  expect(sources).toStrictEqual([
    [source, source],
    [
      { ...source, url },
      { ...source, url },
    ],
    // A reader of results finds the field, and nothing in it.
    [none, none],
  ]);
});

test('a step that applies and deletes nothing says so', () => {
  const [only] = stepsOf([scenario('sample', step('first', ['/: [200, 200]']))]);
  expect(only).toMatchObject({
    apply: [],
    delete: [],
    origin: { kind: 'ingress' },
    place: { line: 8, column: 11 },
  });
});

describe('requests', () => {
  test('have what the cell and the step say', () => {
    const [planned] = stepsOf(
      [
        scenario(
          'sample',
          `  - name: first
    from: sleep.foo
    request:
      path: /anything/\${row}
      url: http://\${images.host}
      token: \${column}
      method: POST
      host: \${column}.example.com
      headers: { x-row: '\${row}', x-time: '\${now}', x-token: 'Bearer \${tokens.valid}' }
    expect:
      columns: [valid]
      a: [{ code: 200, body: { contains: '\${row} \${images.host}' }, headers: { x-column: '\${column}' } }]
`,
          'keyServers: {}\n',
        ),
      ].map((loaded) => ({ ...loaded, tokens: { ...loaded.tokens, 'a one': loaded.tokens.valid! } })),
    );
    expect(planned).toMatchObject({ origin: { kind: 'pod', app: 'sleep', namespace: 'foo' } });
    expect(requestsOf(planned!.checks)[0]).toMatchObject({
      request: {
        method: 'POST',
        url: 'http://${images.host}',
        path: '/anything/a',
        token: 'valid',
        host: 'valid.example.com',
        headers: [
          ['x-row', 'a'],
          ['x-time', '${now}'],
          ['x-token', 'Bearer ${tokens.valid}'],
        ],
      },
      expected: { code: 200, body: { contains: 'a ${images.host}' }, headers: { 'x-column': 'valid' } },
    });
  });

  test('expect of a body and of headers only what the cell says', () => {
    const cells = "{ code: 403, body: 'of ${row}' }, { code: 401, headers: { x-row: '${row}' } }";
    const [planned] = stepsOf([scenario('sample', step('first', [`/a: [${cells}]`]))]);
    expect(requestsOf(planned!.checks).map(({ expected }) => expected)).toStrictEqual([
      { code: 403, body: 'of /a' },
      { code: 401, headers: { 'x-row': '/a' } },
    ]);
  });

  test('take an absolute row apart', () => {
    const rows = [
      'http://a.foo:8000/x/y?z=1: [200]',
      'http://b.foo: [200]',
      'http://${keyServers.keys.host}/jwks: [200]',
    ];
    const table = rows.map((row) => `      ${row}\n`).join('');
    const [planned] = stepsOf([
      scenario(
        'sample',
        `  - name: first\n    from: sleep.foo\n    expect:\n      columns: [no token]\n${table}`,
        'keyServers: { keys: { serves: sample } }',
      ),
    ]);
    expect(requestsOf(planned!.checks).map(({ request }) => [request.url, request.path])).toEqual([
      ['http://a.foo:8000', '/x/y?z=1'],
      ['http://b.foo', '/'],
      ['http://${keyServers.keys.host}', '/jwks'],
    ]);
  });
});

describe('versions', () => {
  const cases = (more = '') => [
    `/a: [200, [{ when: { istio: "<1.30" }, code: 200 }, { when: { row: "/a*" }, code: 401${more} }, 403]]`,
    '/b: [200, [{ when: { istio: "<1.30" }, code: 200, finding: old }, { when: { asm: ">=1" }, code: 401 }]]',
  ];

  test('choose the first case that matches, and skip a check without one', () => {
    const [planned] = stepsOf([scenario('sample', step('first', cases(', finding: why')))]);
    const [, a, , b] = requestsOf(planned!.checks);
    expect(a).toMatchObject({ expected: { code: 401 }, finding: 'why' });
    expect(a).not.toHaveProperty('skip');
    expect(b?.skip).toBe(
      'no case is for this mesh: needs istio <1.30, the mesh has 1.30.3; needs asm >=1, the mesh is not ASM',
    );
    expect(b?.expected).toEqual({ code: 200 });
    const [old] = stepsOf([scenario('sample', step('first', cases()))], {}, { istio: '1.29.0' });
    expect(requestsOf(old!.checks).map(({ expected }) => expected.code)).toEqual([200, 200, 200, 200]);
  });

  test('say a reason once, however many conditions have it', () => {
    const cell = '[{ when: { istio: "<1", target: kind }, code: 200 }, { when: { istio: "<1" }, code: 401 }]';
    const loaded = scenario('sample', step('first', [`/: [200, ${cell}]`]));
    const [, check] = requestsOf(stepsOf([loaded])[0]!.checks);
    expect(check?.skip).toBe('no case is for this mesh: needs istio <1, the mesh has 1.30.3');
    const never = step('first', ['/: [200, 200]'], '    when: { istio: "<1" }\n');
    const more = 'when: { istio: "<1" }\nrequires: [jwks-ca]';
    const missing = new Map([['jwks-ca', 'this target has no CA']]);
    const [planned] = planOf([scenario('sample', never, more)], {}, {}, missing).scenarios;
    expect(planned?.skip).toBe('needs istio <1, the mesh has 1.30.3; this target has no CA');
  });

  test('skip a whole scenario with the reason, and keep its checks', () => {
    const { scenarios } = planOf(
      [scenario('sample', step('first', ['/: [200, 200]']), 'when: { istio: ">=1.22" }')],
      {},
      { istio: '1.21.3' },
    );
    expect(scenarios[0]?.skip).toBe('needs istio >=1.22, the mesh has 1.21.3');
    expect(checksOf(scenarios)).toHaveLength(2);
  });

  test('leave out steps for other meshes, and skip the scenario when there are no others', () => {
    const steps = ['<1.22', '>=1.22'].map((range) =>
      step(`for ${range}`, ['/: [200, 200]'], `    when: { istio: "${range}" }\n`),
    );
    const both = planOf([scenario('sample', steps.join(''))]).scenarios[0]!;
    expect(both.steps.map(({ name }) => name)).toEqual(['for >=1.22']);
    expect(both.skip).toBeUndefined();
    const none = planOf([scenario('sample', steps[0]!)]).scenarios[0]!;
    expect(none.skip).toBe('needs istio <1.22, the mesh has 1.30.3');
    expect(checksOf([none])).toHaveLength(2);
  });
});

describe('other checks', () => {
  const source = (when: string) => `  - name: first
    section: Another section
    finding: of the step
    apply:
      - ${manifest('Service', 'a')}
      - ${manifest('ConfigMap', 'b')}
    refused: { message: invalid, finding: of the refusal${when} }
    fetched: { from: keys, by: nobody }
    delete: [{ apiVersion: v1, kind: Service, name: a }]
`;
  const servers = 'keyServers: { keys: { serves: sample } }';

  test('are made for a refusal and for who fetched', () => {
    const [planned] = stepsOf([scenario('sample', source(''), servers)]);
    expect(planned).toMatchObject({
      origin: undefined,
      source: { document: 'FAQ', section: 'Another section' },
      apply: [
        { manifest: { kind: 'Service' }, place: { line: 12, column: 9 } },
        { manifest: { kind: 'ConfigMap' }, place: { line: 13, column: 9 } },
      ],
      delete: [{ kind: 'Service', name: 'a' }],
    });
    expect(planned?.checks).toMatchObject([
      {
        id: 'sample/first/Service a, ConfigMap b/apply',
        kind: 'apply',
        refused: 'invalid',
        finding: 'of the refusal',
      },
      {
        id: 'sample/first/keys of keys/fetched by',
        kind: 'fetched',
        keyServer: 'keys',
        by: 'nobody',
        finding: 'of the step',
        skip: undefined,
      },
    ]);
    const none = source('')
      .replace('    finding: of the step\n', '')
      .replace(', finding: of the refusal', '');
    const [without] = stepsOf([scenario('sample', none, servers)]);
    for (const check of without!.checks) expect(check).not.toHaveProperty('finding');
  });

  test('say who fetched in the mode in which they run, and are skipped where that is not said', () => {
    const steps = source('').replace('by: nobody', 'by: { istiod: istiod, envoy: nobody }');
    const modes = `${servers}\nmesh: { fetch: [istiod, envoy, hybrid] }`;
    const { scenarios } = planOf([scenario('sample', steps, modes)]);
    expect(scenarios.map(({ fetch, steps: [only] }) => [fetch, only?.checks[1]])).toMatchObject([
      ['istiod', { by: 'istiod', skip: undefined }],
      ['envoy', { by: 'nobody', skip: undefined }],
      ['hybrid', { by: 'nobody', skip: 'the scenario does not say who fetches in mode hybrid' }],
    ]);
  });

  test('expect manifests to be accepted where the refusal is for other meshes', () => {
    const [planned] = stepsOf([scenario('sample', source(', when: { istio: ">=1.31" }'), servers)]);
    expect(planned?.checks[0]).toMatchObject({ kind: 'apply', refused: undefined, finding: 'of the step' });
  });
});

describe('groups', () => {
  const modes = (name: string, fetch: string) =>
    scenario(name, step('first', ['/: [200, 200]']), fetch && `mesh: { fetch: [${fetch}] }`);
  const all = [
    modes('a', 'envoy, istiod'),
    modes('b', ''),
    modes('c', 'hybrid, envoy'),
    modes('d', 'istiod'),
  ];
  const groupsOf = (...args: Parameters<typeof planOf>) =>
    planOf(...args).groups.map(({ fetch, scenarios }) => [fetch, ...idsOf(scenarios)]);

  test('start with the mode that holds now and with what runs in any', () => {
    expect(groupsOf(all)).toEqual([
      ['istiod', 'a@istiod', 'b', 'd'],
      ['envoy', 'a@envoy', 'c@envoy'],
      ['hybrid', 'c@hybrid'],
    ]);
    expect(groupsOf(all, {}, { fetch: 'envoy' })).toEqual([
      ['envoy', 'a@envoy', 'b', 'c@envoy'],
      ['istiod', 'a@istiod', 'd'],
      ['hybrid', 'c@hybrid'],
    ]);
    expect(groupsOf([modes('b', '')])).toEqual([[undefined, 'b']]);
    expect(groupsOf([])).toEqual([]);
  });

  test('have no mode of their own when all that needs the present one is skipped', () => {
    const never = scenario(
      'e',
      step('first', ['/: [200, 200]']),
      'mesh: { fetch: [istiod] }\nwhen: { istio: "<1" }',
    );
    expect(groupsOf([never, modes('b', '')])).toEqual([[undefined, 'e', 'b']]);
    expect(groupsOf([never, modes('d', 'istiod')])).toEqual([['istiod', 'e', 'd']]);
  });

  test('have only the scenarios that are asked for by their ids', () => {
    expect(groupsOf(all, { only: new Set(['a@envoy', 'b', 'other']) })).toEqual([
      [undefined, 'b'],
      ['envoy', 'a@envoy'],
    ]);
  });

  test('give the scenarios in the order in which they run', () => {
    const { groups, scenarios } = planOf(all);
    expect(scenarios).toEqual(groups.flatMap((group) => group.scenarios));
    expect(scenarios.map(({ fetch, info }) => [fetch, info.fetch])).toContainEqual(['hybrid', 'hybrid']);
    expect(scenarios.find(({ info }) => info.id === 'b')).toMatchObject({ fetch: undefined });
  });

  test('have no mode that is entered only for skipped scenarios', () => {
    const { groups, scenarios } = planOf(all, { canSwitchFetch: false });
    expect(groups).toHaveLength(1);
    expect(
      scenarios.filter(({ skip }) => skip !== undefined).map(({ info, skip }) => [info.id, skip]),
    ).toEqual([
      ['a@envoy', 'needs fetch mode envoy; this mesh has istiod'],
      ['c@hybrid', 'needs fetch mode hybrid; this mesh has istiod'],
      ['c@envoy', 'needs fetch mode envoy; this mesh has istiod'],
    ]);
    expect(groupsOf([modes('c', 'hybrid')], { canSwitchFetch: false })).toEqual([[undefined, 'c']]);
  });
});

test('a step that the target cannot do is skipped alone, and nothing of it is done', () => {
  const own = scenario(
    'a',
    `${step('first', ['/: [200, 200]'])}${step('second', ['/: [200, 200]'], '    requires: [jwks-ca]\n    delete: [{ apiVersion: v1, kind: ConfigMap, name: a }]\n')}`,
  );
  const missing = new Map([['jwks-ca', 'not here']]);
  const [planned] = planOf([own], {}, {}, missing).scenarios;
  expect(planned?.skip).toBeUndefined();
  expect(planned?.steps.map((each) => [each.delete.length, ...each.checks.map(({ skip }) => skip)])).toEqual([
    [0, undefined, undefined],
    [0, 'not here', 'not here'],
  ]);
  const [whole] = planOf([own]).scenarios;
  expect(whole?.steps[1]?.delete).toHaveLength(1);
});

describe('mesh settings', () => {
  const own = (name: string, mesh: string) =>
    scenario(name, step('first', ['/: [200, 200]']), `mesh: ${mesh}`);
  const merge = '{ pathNormalization: MERGE_SLASHES }';
  const quick = '{ istiod: { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: 10s } }';
  const groupsOf = (...args: Parameters<typeof planOf>) =>
    planOf(...args).groups.map(({ fetch, settings, scenarios }) => [
      fetch,
      settings.config,
      settings.variables,
      ...idsOf(scenarios),
    ]);
  const normalized = { pathNormalization: { normalization: 'MERGE_SLASHES' } };
  const variables = { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '10s' };

  test('group scenarios, so that istiod restarts once for each set of variables and mode', () => {
    const all = [
      own('a', quick),
      own('b', merge),
      own('c', '{ fetch: [envoy, istiod] }'),
      own('d', merge),
      own('e', '{ fetch: [envoy], pathNormalization: MERGE_SLASHES }'),
      own('f', '{ istiod: { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: 10s }, fetch: [envoy] }'),
      own('g', '{}'),
    ];
    expect(groupsOf(all)).toEqual([
      ['istiod', {}, {}, 'c@istiod', 'g'],
      [undefined, normalized, {}, 'b', 'd'],
      ['envoy', {}, {}, 'c@envoy'],
      ['envoy', normalized, {}, 'e'],
      [undefined, {}, variables, 'a'],
      ['envoy', {}, variables, 'f'],
    ]);
  });

  test('that proxies take only when they start follow each other, after those that they take at once', () => {
    const all = [
      own('a', '{ defaultConfig: { gatewayTopology: { numTrustedProxies: 1 } } }'),
      own('b', merge),
      own('c', '{ trustDomain: a.b, pathNormalization: MERGE_SLASHES }'),
      own('d', '{ trustDomainAliases: [c.d] }'),
      own('e', '{}'),
    ];
    expect(groupsOf(all).map(([, , , ...ids]) => ids)).toEqual([['e'], ['b'], ['d'], ['a'], ['c']]);
  });

  test('are fields of MeshConfig, as istiod reads them', () => {
    const defaultConfig = { gatewayTopology: { numTrustedProxies: 1 } };
    expect(
      groupsOf([own('a', `{ trustDomain: a.b, defaultConfig: ${JSON.stringify(defaultConfig)} }`)]),
    ).toEqual([[undefined, { trustDomain: 'a.b', defaultConfig }, {}, 'a']]);
  });

  test('are said with the scenario, and need a target that can change them', () => {
    const missing = new Map([['mesh-settings', 'others use it']]);
    const { groups, scenarios } = planOf([own('a', quick), own('b', merge), own('g', '{}')], {}, {}, missing);
    expect(scenarios.map(({ info, skip }) => [info.id, info.settings, skip])).toEqual([
      ['a', variables, 'others use it'],
      ['b', { pathNormalization: 'MERGE_SLASHES' }, 'others use it'],
      ['g', undefined, undefined],
    ]);
    // What is skipped needs nothing to be changed.
    expect(groups).toMatchObject([{ fetch: undefined, settings: { config: {}, variables: {} } }]);
  });
});

test('a step says whether its policies are meant to select nothing', () => {
  const applying = (name: string, more = '') =>
    `  - name: ${name}\n    apply: [${manifest('Service', name)}]\n    refused: { message: no }\n${more}`;
  const steps = stepsOf([scenario('sample', applying('a') + applying('b', '    selectsNothing: true\n'))]);
  expect(steps.map(({ selectsNothing }) => selectsNothing)).toEqual([false, true]);
});

describe('capabilities', () => {
  const missing = new Map([
    ['jwks-ca', 'this target has no CA'],
    ['external-host', 'there is no outside'],
    ['ingress', 'there is no gateway'],
    ['gateway-api', 'there is no Gateway API'],
  ]);
  const skipOf = (loaded: Parameters<typeof planOf>[0][number]) =>
    planOf([loaded], {}, {}, missing).scenarios[0]?.skip;
  const inside = `  - name: first\n    apply: [${manifest('Service', 'a')}]\n    refused: { message: no }\n`;

  test('that are missing skip a scenario with the reason of the target', () => {
    expect(skipOf(scenario('sample', inside, 'requires: [jwks-ca]'))).toBe('this target has no CA');
    expect(skipOf(scenario('sample', inside, 'requires: [fetch-mode]'))).toBeUndefined();
  });

  test('follow from what a scenario does', () => {
    expect(skipOf(scenario('sample', inside))).toBeUndefined();
    expect(skipOf(scenario('sample', step('first', ['/: [200, 200]'])))).toBe('there is no gateway');
    expect(skipOf(scenario('sample', inside + step('second', ['/: [200, 200]'])))).toBe(
      'there is no gateway',
    );
    expect(skipOf(scenario('sample', inside, 'keyServers: { keys: { serves: sample } }'))).toBe(
      'there is no outside',
    );
    const through = (what: string) =>
      step('first', ['/: [200, 200]']).replace('through: ingress', `through: ${what}`);
    expect(skipOf(scenario('sample', through('gateway foo/edge')))).toBeUndefined();
    expect(skipOf(scenario('sample', through('{ gateway: foo/edge, port: 81 }')))).toBeUndefined();
    const applying = (apiVersion: string, kind: string, name: string) =>
      `  - name: ${kind}\n    apply: [{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: ${name}, namespace: foo } }]\n    refused: { message: no }\n`;
    const edge = applying('gateway.networking.k8s.io/v1', 'Gateway', 'edge');
    expect(skipOf(scenario('sample', edge))).toBe('there is no Gateway API');
    expect(skipOf(scenario('sample', applying('networking.istio.io/v1', 'Gateway', 'g')))).toBeUndefined();
    const crd = applying(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      'gateways.gateway.networking.k8s.io',
    );
    expect(skipOf(scenario('sample', crd + edge))).toBeUndefined();
    const servers = 'keyServers: { keys: { serves: sample, where: in-cluster } }';
    expect(skipOf(scenario('sample', inside, servers))).toBeUndefined();
  });
});

describe('a mesh that is only looked at', () => {
  const changing = () => scenario('changing', step('a step', ['/: [200, 200]']));
  const looking = () => scenario('looking', step('a step', ['/: [200, 200]']), 'live: true');
  const skips = (isLive: boolean | undefined) =>
    planOf([changing(), looking()], { isLive }).scenarios.map(({ skip }) => skip);

  test('is for live scenarios, which no other mesh is for', () => {
    expect(skips(true)).toEqual(['changes the mesh, and --live only looks at it', undefined]);
    expect(skips(false)).toEqual([
      undefined,
      'is about a mesh that is there, as it is: run it with --live and --context',
    ]);
  });

  test('where there is no mesh, both are planned', () => {
    expect(skips(undefined)).toEqual([undefined, undefined]);
  });
});
