/** Every check that failed has a folder of evidence, whatever kind it is of. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CheckResult } from '../../../src/base/events.ts';
import {
  collectEvidence,
  excerpt,
  folderOf,
  writeEvidence,
} from '../../../src/run/answers/write-evidence.ts';
import type { EvidenceFile, KubeObject } from '../../../src/target/target.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { run, scenarioSource, sendStep } from '../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

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

describe('evidence is collected', () => {
  const query = { proxies: [], requestId: 'jwt-e2e/abc123-1', since: 5 };

  test('by the target, which is told what it is about', async () => {
    vi.useFakeTimers();
    const target = new FakeTarget();
    const asked: unknown[] = [];
    const files = [{ name: 'log.txt', content: 'text' }];
    target.evidence = async (of) => {
      asked.push(of);
      return files;
    };
    expect(await collectEvidence(target, query, unaborted())).toBe(files);
    expect(asked).toEqual([query]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('within a limit, and says what went wrong', async () => {
    vi.useFakeTimers();
    const target = new FakeTarget();
    target.evidence = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const collecting = collectEvidence(target, query, unaborted());
    await vi.runAllTimersAsync();
    expect(await collecting).toEqual([
      { name: 'not-collected.txt', content: expect.stringContaining('collecting evidence') },
    ]);
  });
});

describe('a folder of evidence', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'RS256' })}.${part({ iss: 'me' })}.c2lnbmF0dXJlLWZvci10ZXN0`;
  const harmless = token.replace(/[^.]+$/, '<signature>');
  const check = {
    id: 'x/s//headers/valid',
    kind: 'request',
    state: 'failed',
    expected: '200',
    actual: '401 "Jwt is expired"',
    request: {
      curl: `curl -H 'Authorization: Bearer ${token}'`,
      token: { name: 'valid', claims: { iss: 'me' } },
    },
    response: { status: 401, headers: { server: 'envoy', date: 'today' }, body: 'Jwt is expired' },
  } as unknown as CheckResult;
  const map = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

  function written(
    of: CheckResult,
    {
      showTokens = false,
      meshFolder,
      collected = [],
    }: { showTokens?: boolean; meshFolder?: string; collected?: EvidenceFile[] } = {},
  ) {
    const artifacts = mkdtempSync(join(tmpdir(), 'artifacts-'));
    const where = { artifacts, meshFolder, showTokens };
    const warnings: string[] = [];
    const result = writeEvidence(where, of, [map('one'), map('two')], collected, (message) =>
      warnings.push(message),
    );
    expect(warnings).toEqual([]);
    return { ...result, files: filesOf(artifacts, result.evidence) };
  }

  test('has the request to be sent again, what was expected, and what came', () => {
    const { files } = written(check);
    expect(files['request.txt']).toBe(`# Paste this into a shell to send the request again.
# The signature of the token is left out: run with --show-tokens to have it.
curl -H 'Authorization: Bearer ${harmless}'

expected: 200
actual:   401 "Jwt is expired"

token "valid":
{
  "name": "valid",
  "claims": {
    "iss": "me"
  }
}

HTTP 401
server: envoy
date: today

Jwt is expired
`);
  });

  test('has it with the signature where tokens are wanted, and without what there is not', () => {
    const bare = { ...check, actual: undefined, response: undefined };
    const request = { ...check.request, token: undefined } as CheckResult['request'];
    expect(
      written({ ...bare, request }, { showTokens: true }).files['request.txt'],
    ).toBe(`# Paste this into a shell to send the request again.
curl -H 'Authorization: Bearer ${token}'

expected: 200
actual:   no answer
`);
    expect(Object.keys(written({ ...bare, request: undefined }).files).sort()).toEqual([
      'check.json',
      'manifests.yaml',
    ]);
  });

  test('has the check, all that was applied, and what was collected, without signatures', () => {
    const collected = [{ name: 'log.txt', content: `it is ${token}` }];
    const { files, evidenceFiles } = written(check, { collected });
    expect(files['check.json']).toContain('\n  "id": "x/s//headers/valid"');
    expect(files['check.json']).not.toContain(token);
    expect(files['manifests.yaml']).toBe(
      ['one', 'two']
        .map((name) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`)
        .join('---\n'),
    );
    expect(files['log.txt']).toBe(`it is ${harmless}`);
    expect(evidenceFiles).toEqual([{ name: 'log.txt', text: `it is ${harmless}` }]);
    expect(written(check, { collected, showTokens: true }).files['log.txt']).toBe(`it is ${token}`);
  });

  test('is below that of its mesh, where there are several', () => {
    expect(written(check).evidence).toBe(folderOf(check.id));
    expect(written(check, { meshFolder: 'istio-1.30.3' }).evidence).toBe(
      `istio-1.30.3/${folderOf(check.id)}`,
    );
  });

  test('has a name that every file system takes, and no other check has', () => {
    expect(folderOf('x@istiod/a b=c.d//~/ö')).toMatch(/^x@istiod-a-b=c\.d--[0-9a-f]{6}$/);
    expect(folderOf('x/a')).not.toBe(folderOf('x-a'));
    expect(folderOf('x'.repeat(300))).toMatch(/^x{180}-[0-9a-f]{6}$/);
  });
});

describe('what reports show of a file', () => {
  test('is all of it up to a length, and then half of that from either end', () => {
    const longest = 'x'.repeat(12_000);
    expect(excerpt('a', longest)).toEqual({ name: 'a', text: longest });
    const text = `${'x'.repeat(6000)}… 1 characters left out …\n${'x'.repeat(6000)}`;
    expect(excerpt('a', `${longest}x`)).toEqual({ name: 'a', text, omitted: 1 });
  });

  test('is whole lines where there are some', () => {
    const line = `${'x'.repeat(3999)}\n`;
    expect(excerpt('a', line.repeat(5))).toEqual({
      name: 'a',
      text: `${line}… ${3 * 4000} characters left out …\n${line}`,
      omitted: 3 * 4000,
    });
    // A line that is longer than what is shown of the file is cut.
    const long = 'y'.repeat(7000);
    expect(excerpt('a', `${long}\n${long}`).text).toBe(
      `${'y'.repeat(6000)}… 2001 characters left out …\n${'y'.repeat(6000)}`,
    );
  });
});
