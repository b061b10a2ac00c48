/**
 * Mistakes that only a mesh shows: for each the run fails, at the checks that it concerns and at no other, with a message
 * that names the cause and with evidence.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnCluster, haveCluster } from './cluster.ts';
import { type Ended, evidenceOf, Folder, filesIn, jwtE2e, limits, signaturesIn } from './command.ts';
import { Draft } from './scenarios.ts';

interface Fault {
  readonly title: string;
  readonly draft: () => Draft;
  /** Names of the cases that fail, by how they end; all others pass. The message of each is as given here. */
  readonly failures: Readonly<Record<string, RegExp>>;
  /** How they end; a failure when not given. */
  readonly outcome?: 'error';
  /** What one finds in the evidence, in a file whose name begins like this. */
  readonly evidence: Readonly<Record<string, RegExp>>;
}

const requireJwt = ['steps', 0, 'apply'] as const;
const faults: Record<string, Fault> = {
  'policy-left-out': {
    title: 'a policy is left out',
    draft: () => new Draft('require-jwt').remove([...requireJwt, 1]),
    failures: {
      'no token / /headers':
        /^expected 403 "RBAC: access denied", got 200: status 200 instead of 403; no AuthorizationPolicy selects foo\/httpbin-/,
    },
    evidence: {
      'manifests.yaml': /kind: RequestAuthentication/,
      'access-log-': /"GET \/headers HTTP\/1.1" 200/,
    },
  },
  'wrong-namespace': {
    title: 'a policy is in the wrong namespace',
    draft: () => new Draft('require-jwt').set([...requireJwt, 1, 'metadata', 'namespace'], 'default'),
    failures: {
      '/headers':
        /^AuthorizationPolicy default\/require-jwt holds for no proxy, so nothing that it says is tested: no pod runs in namespace default$/,
    },
    outcome: 'error',
    evidence: { 'manifests.yaml': /namespace: default/, 'proxy-filters-': /jwt_authn/ },
  },
  'wrong-selector': {
    title: 'the selector of a policy matches nothing',
    draft: () =>
      new Draft('require-jwt').set([...requireJwt, 1, 'spec', 'selector', 'matchLabels', 'app'], 'httpbn'),
    failures: {
      '/headers':
        /^AuthorizationPolicy foo\/require-jwt holds for no proxy, so nothing that it says is tested: no pod of namespace foo has app=httpbn$/,
    },
    outcome: 'error',
    evidence: { 'manifests.yaml': /app: httpbn/ },
  },
  'wrong-issuer': {
    title: 'the issuer is misspelt',
    draft: () =>
      new Draft('require-jwt').set(
        [...requireJwt, 0, 'spec', 'jwtRules', 0, 'issuer'],
        'testing@secure.istio.oi',
      ),
    failures: {
      'valid / /headers':
        /^status 401 instead of 200; iss of the token is testing@secure.istio.io, and the policies are for testing@secure.istio.oi$/,
    },
    evidence: {
      'access-log-': /jwt_authn_access_denied\{Jwt_issuer_is_not_configured\}/,
      'proxy-filters-': /"issuer": "testing@secure.istio.oi"/,
      'request.txt': /"iss": "testing@secure.istio.io"/,
    },
  },
  'wrong-path': {
    title: 'the path that needs no token is misspelt',
    draft: () =>
      new Draft('bookinfo-exclusion')
        .onlySteps(1, 2)
        .set(
          ['steps', 1, 'apply', 0, 'spec', 'rules', 0, 'to', 0, 'operation', 'notPaths', 0],
          '/productpages',
        ),
    failures: {
      '/productpage / no token':
        /^status 403 instead of 200; AuthorizationPolicy istio-system\/test-exclude \(DENY\): rule 1 matches: .*wants notPaths = \/productpages; the request has \/productpage$/,
    },
    evidence: {
      'access-log-': /rbac_access_denied_matched_policy\[ns\[istio-system\]-policy\[test-exclude\]/,
    },
  },
  'no-selector': {
    title: 'the policy for the gateway has no selector, so that it holds for the whole mesh',
    draft: () =>
      new Draft('bookinfo-exclusion').onlySteps(1, 2).remove(['steps', 1, 'apply', 0, 'spec', 'selector']),
    failures: {
      ...Object.fromEntries(
        [0, 1].map((product) => [
          `/api/v1/products/${product} / valid`,
          /^status 403 instead of 200; bookinfo\/productpage\S* refuses it: istio-system\/istio-ingressgateway\S* has taken the token out of the request, as its rule has no forwardOriginalToken; AuthorizationPolicy istio-system\/test-exclude \(DENY, for every workload of the mesh\): rule 1 matches: /,
        ]),
      ),
    },
    evidence: { 'access-log-': /" 403 - via_upstream / },
  },
  'rejected-keys': {
    title: 'Envoy rejects the keys (NACK)',
    draft: () =>
      new Draft('require-jwt').set([...requireJwt, 0, 'spec', 'jwtRules', 0, 'jwks'], '{"keys":[]}'),
    failures: {
      // None of the answers counts, even where it is the expected one: they come from the configuration before.
      '/headers':
        /a proxy rejected its configuration, so an older one goes on: foo\/httpbin-\S+: listener virtualInbound: .*Jwks doesn't have any valid public key$/,
    },
    evidence: { 'proxy-filters-': /"inline_string": "\{\\"keys\\":\[\]\}"/ },
  },
  'key-server-without-pods': {
    title: 'the key server in the cluster is down',
    draft: () =>
      new Draft('jwks-in-cluster').onlySteps(0, 1).add(['steps', 0, 'apply', 2, 'spec', 'replicas'], 0),
    failures: {
      'valid / /headers':
        /^status 401 instead of 200; istiod cannot fetch the keys of http:\/\/nginx-proxy\.foo\.svc\.cluster\.local:80\/get_jwks: \S/,
      '/get_jwks / no token': /got 503 "no healthy upstream": status 503 instead of 200/,
      'keys of nginx-proxy / fetched by': /expected keys fetched by istiod, got keys fetched by nobody/,
    },
    evidence: {
      'istiod-jwks.txt': /Failed to (GET|fetch public key) from .*nginx-proxy\.foo\.svc\.cluster\.local/,
    },
  },
  'key-server-wrong-port': {
    title: 'nothing listens where the external key server should be',
    draft: () =>
      new Draft('jwks-external-http')
        .onlySteps(1)
        .set(['mesh', 'fetch'], ['istiod'])
        .set(
          ['steps', 0, 'apply', 0, 'spec', 'jwtRules', 0, 'jwksUri'],
          'http://${keyServers.external.host}:81/get_jwks',
        ),
    failures: {
      'valid / /headers':
        /^status 401 instead of 200; istiod cannot fetch the keys of http:\/\/\S+:81\/get_jwks: .*(connection refused|deadline exceeded)/,
      'keys of external / fetched by': /expected keys fetched by istiod, got keys fetched by nobody/,
    },
    evidence: { 'istiod-jwks.txt': /:81\/get_jwks.* connection refused/ },
  },
};

const folder = new Folder();
afterAll(() => folder.remove());

describeOnCluster('one wrong cell', (cluster) => {
  let run: Ended;
  beforeAll(async () => {
    if (!haveCluster) return;
    const file = new Draft('request-authentication-alone')
      .set(['steps', 0, 'expect', 'valid', 0], 201)
      .write(folder.sub('cell'), 'wrong-cell');
    run = await jwtE2e(folder.sub('cell'), ['run', '--reuse', '--name', cluster, ...limits, file]);
  });

  test('fails the run with exit code 1, and exactly one check', () => {
    expect(run.exitCode, run.output).toBe(1);
    expect(run.schemaProblems).toEqual([]);
    const wrong = run.cases.filter(({ outcome }) => outcome !== 'passed');
    expect(wrong.map(({ outcome, name }) => `${outcome}: ${name}`)).toEqual([
      'failure: without any policy every request passes / valid / /headers',
    ]);
    expect(wrong[0]?.message).toBe('status 200 instead of 201');
    expect(run.output).toMatch(/9 checks in 1 scenario: 8 passed, 1 failed/);
  });

  test('is pointed at, in JUnit, and in the console with its line and a caret', () => {
    const place = run.cases.map(({ text }) => text.match(/wrong-cell\.yaml:(\d+):(\d+)$/m)).find(Boolean);
    const [where = '', line, column] = place ?? [];
    const text = filesIn(join(folder.path, 'cell')).get('wrong-cell.yaml')?.split('\n')[Number(line) - 1];
    expect(text?.slice(Number(column) - 1)).toMatch(/^201\b/);
    const [shown = '', below = ''] = run.output.slice(run.output.indexOf(`     ${where}`)).split('\n');
    expect(shown.slice(below.indexOf('^'))).toMatch(/^201\b/);
    expect(below).toMatch(/\^ status 200 instead of 201$/);
  });

  test('leaves no signature of a token behind, and tokens only without theirs', () => {
    const files = filesIn(join(folder.path, 'cell', 'reports'));
    // httpbin sends the token back that it was sent, so that it is in the answer, too.
    expect([...files.values()].join('')).toMatch(/Bearer ey[\w-]+\.ey[\w-]+\.<signature>/);
    expect([...files].filter(([, text]) => signaturesIn(text).length > 0).map(([path]) => path)).toEqual([]);
    expect(signaturesIn(run.output)).toEqual([]);
  });
});

describeOnCluster('when', (cluster) => {
  let run: Ended;
  beforeAll(async () => {
    if (!haveCluster) return;
    const here = folder.sub('mesh');
    const files = Object.entries(faults).map(([name, { draft }]) => draft().write(here, name));
    run = await jwtE2e(here, ['run', '--reuse', '--name', cluster, ...limits, ...files]);
  });

  test('something is wrong, the exit code is 1, and the report is valid', () => {
    expect(run.exitCode, run.output).toBe(1);
    expect(run.schemaProblems).toEqual([]);
    const without = run.cases.filter(({ outcome }) => outcome === 'error').map(({ suite }) => suite);
    const meant = Object.entries(faults).flatMap(([name, { outcome }]) => (outcome === 'error' ? name : []));
    expect(without.filter((suite) => !meant.some((name) => suite.includes(` / ${name}`)))).toEqual([]);
  });

  test.each(Object.entries(faults).map(([name, fault]) => ({ name, ...fault })))(
    '$title',
    ({ name, failures, evidence, outcome: kind = 'failure' }) => {
      const cases = run.cases.filter(({ suite }) => suite.includes(` / ${name}`));
      expect(cases.length, run.output).toBeGreaterThan(1);
      const failed = cases.filter(({ outcome }) => outcome === kind);
      for (const { name: check, message } of failed) {
        const expected = Object.entries(failures).find(([end]) => check.endsWith(` / ${end}`));
        expect(expected, `${check} should pass, not fail with: ${message}`).toBeDefined();
        expect(message).toMatch(expected![1]);
      }
      for (const end of Object.keys(failures)) {
        expect(
          failed.some(({ name: check }) => check.endsWith(` / ${end}`)),
          end,
        ).toBe(true);
      }
      const files = failed.flatMap((one) => [...evidenceOf(run, one)]);
      for (const [start, text] of Object.entries(evidence)) {
        const found = files.filter(([file]) => file.startsWith(start));
        expect(found.length, `${start} in ${files.map(([file]) => file)}`).toBeGreaterThan(0);
        expect(found.map(([, content]) => content).join('\n')).toMatch(text);
      }
    },
  );

  test('every failure has evidence, with what was applied and the check itself', () => {
    const failed = run.cases.filter(({ outcome }) => outcome === 'failure');
    for (const one of failed) {
      expect([...evidenceOf(run, one).keys()], one.name).toEqual(
        expect.arrayContaining(['check.json', 'manifests.yaml', 'istiod-jwks.txt']),
      );
    }
  });

  test('no signature of a token is left behind', () => {
    const files = filesIn(join(folder.path, 'mesh', 'reports'));
    expect(files.size).toBeGreaterThan(30);
    expect([...files].filter(([, text]) => signaturesIn(text).length > 0).map(([path]) => path)).toEqual([]);
    expect(signaturesIn(run.output)).toEqual([]);
  });
});
