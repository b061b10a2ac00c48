/** Every check that failed has a folder of evidence, whatever kind it is of. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FakeTarget } from '../../support/fake-target.ts';
import { run, scenarioSource, sendStep } from '../support.ts';

function filesOf(artifacts: string, evidence: string | undefined): Record<string, string> {
  if (evidence === undefined) return {};
  const folder = join(artifacts, evidence);
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

const apply = `    apply:
      - { apiVersion: v1, kind: ConfigMap, metadata: { name: a-map, namespace: foo } }
`;

test('a check of who fetched the keys: the log of the key server, what was applied, what the target adds', async () => {
  const target = new FakeTarget();
  const at = Date.now() + 60_000;
  target.before = (method) => {
    if (method === 'send')
      target.servers[0]?.log.push({
        at,
        path: '/get_jwks',
        status: 200,
        by: 'envoy',
        userAgent: 'Go-browser',
      });
  };
  const step = sendStep('s', undefined, apply).replace('http://httpbin', 'http://httpbin');
  const { checks, artifacts } = await run(
    [
      scenarioSource(
        'x',
        `${step}    fetched: { from: outside, by: istiod }\n`,
        'keyServers: { outside: { serves: sample } }',
      ),
    ],
    { target },
  );
  const check = checks.find(({ kind }) => kind === 'fetched');
  expect(check?.state).toBe('failed');
  const files = filesOf(artifacts, check?.evidence);
  expect(files['key-server-log.txt']).toBe(
    `${new Date(at).toISOString()} 200 /get_jwks by envoy, user agent Go-browser, from an unknown address`,
  );
  expect(files['manifests.yaml']).toContain('name: a-map');
  expect(JSON.parse(files['check.json'] ?? '')).toMatchObject({ id: check?.id });
  expect(target.calls.some((call) => call.startsWith('evidence'))).toBe(true);
});

test('a check that manifests are refused: the manifests, although they were not refused', async () => {
  const step = `  - name: s\n${apply}    refused: { message: not allowed }\n`;
  const { checks, artifacts } = await run([scenarioSource('x', step)]);
  expect(checks.map(({ state, kind }) => `${kind} ${state}`)).toEqual(['apply failed']);
  expect(filesOf(artifacts, checks[0]?.evidence)['manifests.yaml']).toContain('name: a-map');
});

test('a check that passed has none', async () => {
  const { checks } = await run([scenarioSource('x', sendStep('s'))]);
  expect(checks.map(({ state, evidence }) => [state, evidence])).toEqual([
    ['passed', undefined],
    ['passed', undefined],
  ]);
});
