import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import type { CheckResult, Event } from '../../../src/base/events.ts';
import { manifestsOf, manifestYaml } from '../../../src/run/answers/manifests.ts';
import { excerpt, writeEvidence } from '../../../src/run/answers/write-evidence.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { run, scenarioSource, sendStep } from '../support.ts';

const secret = (more: object) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'tls', namespace: 'foo' },
  ...more,
});

test('data of Secrets is left out, and so are signatures of tokens', () => {
  const [one, other, token] = manifestsOf(
    [
      secret({ data: { 'tls.key': 'c2VjcmV0' } }),
      secret({ stringData: { password: 'hunter2' } }),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a' },
        data: { token: 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJlLWZvci10ZXN0' },
      },
    ],
    false,
  );
  expect(one?.object).toBe('Secret foo/tls');
  expect(one?.yaml).toContain('tls.key: (left out)');
  expect(other?.yaml).toContain('password: (left out)');
  expect(token?.yaml).toContain('eyJpc3MiOiJ4In0.<signature>');
});

test('data of Secrets is left out also where the API server would refuse it, and none is made up', () => {
  const yaml = (more: object) => manifestYaml(secret(more), true);
  expect(yaml({ data: 'hunter2' })).toContain('data: (left out)');
  expect(yaml({ data: null, stringData: ['hunter2'] })).not.toContain('hunter2');
  expect(yaml({ type: 'Opaque' })).not.toContain('left out');
});

test('a token that YAML would fold in two has no signature left', () => {
  const signature = Buffer.from('of this test alone, and long enough to be folded')
    .toString('base64url')
    .repeat(3);
  const token = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify({ iss: 'x'.repeat(90) })).toString('base64url')}.${signature}`;
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a' },
    data: { lua: `{"a":"it's ${token}"}\t`, plain: `Bearer ${token}` },
  };
  const [{ yaml } = { yaml: '' }] = manifestsOf([object], false);
  expect(yaml.replaceAll(/[\\\s]/g, '')).not.toContain(signature.slice(0, 20));
  expect(yaml.match(/<signature>/g)).toHaveLength(2);
  expect(manifestYaml(object, true).replaceAll(/[\\\s]/g, '')).toContain(signature);
});

test('evidence has neither data of Secrets nor signatures, as the events', () => {
  const artifacts = mkdtempSync(join(tmpdir(), 'artifacts-'));
  const check = { id: 'x/s/apply', kind: 'apply' } as unknown as CheckResult;
  const { evidence = '' } = writeEvidence(
    { artifacts, showTokens: false },
    check,
    [secret({ stringData: { password: 'hunter2' } })],
    [],
    () => {},
  );
  const text = readFileSync(join(artifacts, evidence, 'manifests.yaml'), 'utf8');
  expect(text).toContain('password: (left out)');
  expect(text).not.toContain('hunter2');
});

test('evidence that cannot be written is a warning that says where and why, and reports have it all the same', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'artifacts-')), 'file');
  writeFileSync(file, '');
  const check = { id: 'x/s/apply', kind: 'apply' } as unknown as CheckResult;
  const where = { artifacts: join(file, 'artifacts'), showTokens: true };
  const warnings: string[] = [];
  const seen = [{ name: 'log', content: 'text' }];
  const written = writeEvidence(where, check, [], seen, (message) => void warnings.push(message));
  expect(written).toEqual({ evidenceFiles: [{ name: 'log', text: 'text' }] });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^the evidence, .*file\/artifacts, cannot be read or written: ENOTDIR.*See that this user may write to .* \(E_FILE\)$/,
    ),
  ]);
});

test('an event has what a step applies, filled in, also when it is refused as it should be', async () => {
  const step = (name: string, more: string) => `  - name: ${name}
    apply:
      - { apiVersion: v1, kind: ConfigMap, metadata: { name: a-map, namespace: foo }, data: { by: "\${issuers.sample.issuer}" } }
${more}`;
  const applied = (events: readonly Event[]) => events.filter((event) => event.type === 'step-applied');
  const accepted = await run([scenarioSource('x', step('s', sendStep('s').split('\n').slice(1).join('\n')))]);
  expect(applied(accepted.events)[0]?.manifests).toEqual([
    { object: 'ConfigMap foo/a-map', yaml: expect.stringContaining('by: me') },
  ]);
  const target = new FakeTarget();
  target.before = (method) => {
    if (method === 'apply') throw new HarnessError('E_REFUSED', 'that is not allowed');
  };
  const refused = await run([scenarioSource('x', step('s', '    refused: { message: not allowed }\n'))], {
    target,
  });
  expect(refused.checks.map(({ state }) => state)).toEqual(['passed']);
  expect(applied(refused.events)[0]?.manifests).toHaveLength(1);
});

test('of a long file of evidence reports have the start and the end, in whole lines', () => {
  expect(excerpt('a', 'short')).toEqual({ name: 'a', text: 'short' });
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`);
  const { text, omitted = 0 } = excerpt('a', lines.join(''));
  expect(text.length).toBeLessThan(13_000);
  const shown = text.split('\n').filter((line) => line !== '' && !line.startsWith('…'));
  expect(shown[0]).toBe('line 0');
  expect(shown.at(-1)).toBe('line 4999');
  expect(shown.every((line) => lines.includes(`${line}\n`))).toBe(true);
  expect(omitted + shown.join('\n').length + 1).toBe(lines.join('').length);
  expect(excerpt('a', 'x'.repeat(100_000)).text.length).toBeLessThan(13_000);
});
