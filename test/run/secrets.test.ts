/** No signature of a token leaves a run, wherever a mesh or a tool may put it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
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
