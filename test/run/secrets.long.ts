/** No signature of a token leaves a run, wherever a mesh or a tool may put it. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { debug } from '../../src/base/debug.ts';
import { HarnessError } from '../../src/base/errors.ts';
import type { Event } from '../../src/base/events.ts';
import { openDebugLog } from '../../src/cli/support/debug-log.ts';
import { ConformanceReporter } from '../../src/report/conformance/conformance.ts';
import { ConsoleReporter } from '../../src/report/console/console.ts';
import { JsonReporter } from '../../src/report/file-reporter.ts';
import { HtmlReporter } from '../../src/report/html.ts';
import { JUnitReporter } from '../../src/report/junit/junit.ts';
import { SummaryReporter } from '../../src/report/markdown/summary.ts';
import { combine } from '../../src/report/reporter.ts';
import { FakeTarget, refusal } from '../support/fake-target.ts';
import { applyAuthorization, type Outcome, run, scenarioSource, sendStep } from './support.ts';

/** A mesh that echoes the token everywhere. */
function echoing(): FakeTarget {
  const target = new FakeTarget();
  target.answer = ({ headers, url }) => {
    const token = headers.find(([name]) => name === 'Authorization')?.[1] ?? url;
    return {
      status: headers.length === 0 ? 200 : 418,
      body: `{"headers": {"Authorization": "${token}"}, "url": "${url}"}`,
      headers: {
        'x-echo': token,
        location: `https://example.com/?access_token=${token.replace('Bearer ', '')}`,
      },
      ...(url.includes('/none') ? { status: 0, error: `could not send ${token}` } : {}),
    };
  };
  target.warnings = ['webhook saw nothing'];
  return target;
}

const table = `    expect:
      columns: [no token, valid]
      /headers: [200, 200]
      "/ip?access_token=\${tokens.valid}": [200, { code: 200, body: { contains: "\${tokens.valid}" } }]
      /echo: [{ code: 200, headers: { x-echo: "Bearer \${tokens.valid}" } }, { code: 418, body: "\${tokens.valid}" }]
      /none: [200, 200]
`;
const source = scenarioSource(
  'leaky',
  sendStep('one').replace(/ {4}expect:[\s\S]*/, table) +
    sendStep('refused', '[200, 200]', applyAuthorization),
  'profile: x'.replace('profile: x', 'tags: [secrets]'),
);

/** Signatures of all tokens that were sent. */
function signatures(target: FakeTarget): string[] {
  const text = JSON.stringify(target.seen);
  const found = [...text.matchAll(/ey[\w-]+\.ey[\w-]+\.([\w-]{20,})/g)].map((match) => match[1] ?? '');
  return [...new Set(found)];
}

function everything({ events, artifacts }: Outcome): string {
  const files = readdirSync(artifacts, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  return [JSON.stringify(events), ...files].join('\n');
}

test('events and evidence have no signature of a token that was sent', async () => {
  const target = echoing();
  const bearer = () => target.seen.flatMap(({ headers }) => headers.map(([, value]) => value)).at(-1) ?? '';
  target.before = (method, _signal, detail) => {
    if (method === 'apply' && detail !== '')
      throw new HarnessError('E_KUBE', `cannot apply with ${bearer()}`, {
        details: `the request had ${bearer()}`,
        hint: `try without ${bearer()}`,
      });
  };
  target.evidenceText = 'nothing';
  const outcome = await run([source], { target });
  const secrets = signatures(target);
  expect(secrets).toHaveLength(1);
  const text = everything(outcome);
  for (const secret of secrets) expect(text.split(secret).length - 1).toBe(0);
  // What may be shown is shown, everywhere that it should be.
  expect(text.split('.<signature>').length).toBeGreaterThan(20);
  expect(outcome.checks.some(({ state }) => state === 'failed')).toBe(true);
  expect(outcome.checks.some(({ state }) => state === 'error')).toBe(true);
});

test('an unexpected refusal that quotes a token does not show it either', async () => {
  const target = echoing();
  target.before = (method, _signal, detail) => {
    if (method === 'apply' && detail !== '')
      throw refusal(
        'AuthorizationPolicy foo/require',
        JSON.stringify(target.seen.map(({ headers }) => headers)),
      );
  };
  const outcome = await run([source], { target });
  for (const secret of signatures(target)) expect(everything(outcome)).not.toContain(secret);
});

test('with --show-tokens they are shown, in what is to be pasted too', async () => {
  const target = echoing();
  const outcome = await run([source], { target, options: { showTokens: true } });
  const [secret = '?'] = signatures(target);
  const failed = outcome.checks.find(({ row, column }) => row === '/headers' && column === 'valid');
  expect(failed?.request?.curl).toContain(secret);
  expect(readFileSync(join(outcome.artifacts, failed?.evidence ?? '', 'request.txt'), 'utf8')).toContain(
    secret,
  );
});

/** Ways in which meshes, tools and people write a token. */
const forms: Readonly<Record<string, (token: string) => string>> = {
  'as it is': (token) => token,
  padded: (token) => `${token.replaceAll('.', '==.')}=`,
  'escaped for JSON': (token) => token.replaceAll('.', '\\u002e'),
  'escaped for an address': (token) => token.replaceAll('.', '%2E'),
  'escaped in whole': (token) => token.replace(/./g, (each) => `%25${each.charCodeAt(0).toString(16)}`),
  'with blanks': (token) => token.replaceAll('.', ' . '),
  'with line breaks': (token) => token.replaceAll('.', '.\r\n  '),
  wrapped: (token) => token.replace(/.{40}/g, '$&\n'),
  'wrapped in JSON': (token) => token.replace(/.{40}/g, '$&\\n'),
  'in base64': (token) => token.replaceAll('-', '+').replaceAll('_', '/'),
  'in base64 in JSON': (token) => token.replaceAll('-', '+').replaceAll('_', '\\/'),
  'for Basic authentication': (token) => Buffer.from(`user:${token}`).toString('base64'),
  'for Basic authentication of others': (token) => Buffer.from(`ab:${token}:x`).toString('base64url'),
  'wrapped base64': (token) => Buffer.from(`a:${token}`).toString('base64').replace(/.{64}/g, '$&\n'),
  'the signature alone': (token) => token.split('.')[2] ?? '',
  'cut off': (token) => token.slice(0, -9),
};

/** Finds a secret again without knowing how it was written. */
function leaks(text: string, secret: string): boolean {
  const plain = text
    .replaceAll(/%(?:25)*([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/\\+u00([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/\\+[nrt]/g, '')
    .replaceAll(/[\s=\\]/g, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  const wanted = secret.slice(0, 24);
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from('x'.repeat(before) + wanted)
      .toString('base64url')
      .slice(before + 1, 30),
  );
  return [wanted, ...encoded].some((each) => plain.includes(each));
}

test.each(Object.entries(forms))('no report has a signature or a secret key: %s', async (_, form) => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-'));
  const file = (name: string) => join(folder, name);
  let console = '';
  const reporters = combine(
    [
      new HtmlReporter({ file: file('html'), artifacts: folder }),
      new JUnitReporter({ file: file('junit'), artifacts: folder, places: true }),
      new JsonReporter({ file: file('json') }),
      new ConformanceReporter({ file: file('conformance') }),
      new SummaryReporter({ file: file('summary') }),
      new ConsoleReporter({
        stream: { write: (text) => (console += text) },
        isTTY: false,
        width: 200,
        color: false,
        readLine: () => undefined,
        reports: {},
        github: {},
      }),
    ],
    (line) => expect(line).toBe(''),
  );
  const log = openDebugLog(file('debug.log'), false);
  const target = new FakeTarget();
  const signed = 'c2lnbmF0dXJlLW9mLWEtcmVhbC10b2tlbi1ub3QtdG8tYmUtc2hvd24';
  const raw = `${Buffer.from('{ "alg": "RS256" }').toString('base64url')}.${Buffer.from('{ "sub": "b" }').toString('base64url')}.${signed}`;
  const secrets = new Set([signed]);
  target.answer = ({ headers }) => {
    const token = headers.find(([name]) => name === 'Authorization')?.[1].replace('Bearer ', '') ?? raw;
    const text = form(token);
    secrets.add(token.split('.')[2] ?? '');
    debug(() => text);
    const applied = JSON.stringify([...target.objects.values()]);
    const { k = '' } = /"k":"(?<k>[\w-]+)"/.exec(applied.replaceAll('\\', ''))?.groups ?? {};
    secrets.add(k);
    target.warnings = [`webhook saw ${text}`];
    target.evidenceText = `${applied} ${form(`x.y.${k}`)} log: ${text}\n`;
    return { status: 418, body: `{"x": "${text}"}`, headers: { 'x-echo': text, [text]: 'name' } };
  };
  const more = `tags: [secrets]\n`;
  const source = scenarioSource(
    'leaky',
    applyKeys(sendStep('one', '[200, 200, 200, 200]')) +
      applyKeys(sendStep('two', '[200, { code: 200, body: "${tokens.valid}" }, 200, 200]')),
    more,
  )
    .replace('issuers: { ', 'issuers: { hs: { issuer: hs, algorithm: HS256 }, ')
    .replace('tokens: { ', `tokens: { hs: { issuer: hs, claims: { sub: x } }, pretty: { raw: "${raw}" }, `)
    .replaceAll('columns: [no token, valid]', 'columns: [no token, valid, hs, pretty]');
  const emit = (event: Event) => {
    log.event(event);
    reporters.handle(event);
  };
  const outcome = await run([source], { target, emit });
  await reporters.close();
  log.close();
  expect(secrets.size).toBeGreaterThanOrEqual(4);
  const texts = Object.entries({
    everything: everything(outcome),
    console,
    ...Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(file(name), 'utf8')])),
  });
  expect(outcome.checks.filter(({ state }) => state === 'failed').length).toBeGreaterThan(4);
  for (const [name, text] of texts)
    for (const secret of secrets) expect(leaks(text, secret), `${name}: ${secret}`).toBe(false);
});

/** The step with a policy that has the keys of both issuers in it. */
function applyKeys(step: string): string {
  const rules = ['sample', 'hs'].map((name) => `{ issuer: x, jwks: "\${issuers.${name}.jwks}" }`).join(', ');
  return step.replace(
    '\n',
    `\n    apply:\n      - { apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: { name: jwt, namespace: foo }, spec: { jwtRules: [${rules}] } }\n`,
  );
}
