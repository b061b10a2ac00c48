/** What is wrong in a scenario is told as on a cluster: what is refused, what fails, and the evidence. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ended, evidenceOf, filesIn, limits, signaturesIn } from '../faults/command.ts';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from './command.ts';

const policy = ['steps', 0, 'apply', 1] as const;
const address = { hosts: ['192.0.2.1'], ports: [{ name: 'http', number: 80, protocol: 'HTTP' }] };

/** Drafts with a manifest that is refused, and with what message. */
const refusals: Readonly<Record<string, { readonly draft: () => Draft; readonly message: RegExp }>> = {
  'unknown-field': {
    draft: () => new Draft('require-jwt').add([...policy, 'spec', 'selektor'], { matchLabels: {} }),
    message:
      /^AuthorizationPolicy foo\/require-jwt was refused: \.spec\.selektor: field not declared in schema/,
  },
  'rule-of-the-definition': {
    draft: () =>
      new Draft('require-jwt').add([...policy, 'spec', 'targetRefs'], [{ kind: 'Service', name: 'httpbin' }]),
    message:
      /^AuthorizationPolicy foo\/require-jwt was refused: .*only one of targetRefs or selector can be set/,
  },
  'webhook-of-istiod': {
    draft: () =>
      new Draft('require-jwt').add(['steps', 0, 'apply', 2], {
        apiVersion: 'networking.istio.io/v1',
        kind: 'ServiceEntry',
        metadata: { name: 'by-address', namespace: 'foo' },
        spec: {
          ...address,
          location: 'MESH_EXTERNAL',
          resolution: 'STATIC',
          endpoints: [{ address: '192.0.2.1' }],
        },
      }),
    message:
      /^ServiceEntry foo\/by-address was refused: admission webhook "validation\.istio\.io" denied the request: .*cannot be all-numeric/,
  },
};

let home: Home;
let run: Ended;
beforeAll(async () => {
  if (!haveLocal) return;
  home = new Home();
  const here = home.sub('run');
  const files = Object.entries(refusals).map(([name, { draft }]) => draft().write(here, name));
  const withoutPolicy = new Draft('require-jwt').remove(policy).write(here, 'policy-left-out');
  const withoutKeys = new Draft('jwks-in-cluster')
    .onlySteps(0, 1)
    .add(['steps', 0, 'apply', 2, 'spec', 'replicas'], 0)
    .write(here, 'key-server-without-pods');
  run = await home.run('run', ...limits, ...files, withoutPolicy, withoutKeys);
});
afterAll(() => home?.remove());

describeOnLocal('what is wrong', () => {
  test('fails the run: that a check failed counts more than that others have no verdict', () => {
    expect(run.exitCode, run.output).toBe(1);
    expect(run.schemaProblems).toEqual([]);
  });

  test.each(Object.entries(refusals))('%s: refused with the reason', (name, { message }) => {
    const problem = run.cases.find((one) => one.name === `scenario ${name}`);
    expect(problem?.outcome, run.output).toBe('error');
    expect(problem?.type).toBe('E_REFUSED');
    expect(problem?.message).toMatch(message);
    expect(problem?.text).toMatch(new RegExp(`^at: ${name}\\.yaml:\\d+:\\d+$`, 'm'));
  });

  const failuresOf = (scenario: string) =>
    run.cases.filter(({ suite, outcome }) => suite.includes(` / ${scenario}`) && outcome === 'failure');

  test('a policy that is left out: the check fails, with filters and access log as evidence', () => {
    const [failure, ...others] = failuresOf('policy-left-out');
    expect(others).toEqual([]);
    expect(failure?.name).toMatch(/ \/ no token \/ \/headers$/);
    expect(failure?.message).toMatch(
      /status 200 instead of 403; no AuthorizationPolicy selects foo\/httpbin-/,
    );
    const files = evidenceOf(run, failure!);
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['check.json', 'manifests.yaml', 'request.txt', 'istiod-jwks.txt']),
    );
    const text = (start: string) => [...files].find(([name]) => name.startsWith(start))?.[1];
    expect(text('proxy-filters-foo-httpbin-')).toMatch(/jwt_authn/);
    expect(text('access-log-foo-httpbin-')).toMatch(/"GET \/headers HTTP\/1.1" 200/);
  });

  test('keys that nobody serves: the lines of istiod say so', () => {
    const failure = failuresOf('key-server-without-pods').find(({ name }) =>
      / \/ valid \/ \/headers$/.test(name),
    );
    expect(failure?.message).toMatch(
      /^status 401 instead of 200; istiod cannot fetch the keys of http:\/\/nginx-proxy\S+: status 502, message "nobody answers/,
    );
    expect(evidenceOf(run, failure!).get('istiod-jwks.txt')).toMatch(
      /Failed to (GET|fetch public key) from .*nginx-proxy\.foo\.svc\.cluster\.local/,
    );
  });

  test('no signature of a token is left behind, and tokens only without theirs', () => {
    const files = filesIn(home.sub('run/reports'));
    expect(files.size).toBeGreaterThan(10);
    expect([...files.values()].join('')).toMatch(/ey[\w-]+\.ey[\w-]+\.<signature>/);
    expect([...files].filter(([, text]) => signaturesIn(text).length > 0).map(([path]) => path)).toEqual([]);
    expect(signaturesIn(run.output)).toEqual([]);
  });
});
