/** What is printed while a run waits works in a real shell, and has no secret in it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { shellQuote } from '../../src/base/names.ts';
import { pasteLines } from '../../src/run/paste-lines.ts';
import { rememberOpaque, rememberToken } from '../../src/token/decode.ts';
import { temporaryFolder } from '../programs/downloads.ts';
import { typescript } from '../support/typescript.ts';

const section = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = `${section({ alg: 'ES256' })}.${section({ iss: 'me' })}.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tb25seQ`;
beforeAll(() => rememberToken(token));

const lineOf = (...words: readonly string[]) => ['printf', '%s\\n', ...words].map(shellQuote).join(' ');
const shell = (line: string) => spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stdout;
/** The only file that a line reads. */
const fileIn = (line: string) => /\$\(cat ([^)]+)\)/.exec(line)?.[1] ?? '';

afterEach(() => vi.unstubAllEnvs());

test('a shell gets the secret, and whoever reads the line does not', () => {
  const words = [
    `Authorization: Bearer ${token}`,
    `http://httpbin.foo:8000/ip?access_token=${token}`,
    "it's plain",
  ];
  const { lines, remove } = pasteLines({ a: lineOf(...words) });
  const line = lines.a ?? '';
  expect(line).not.toContain(token.split('.')[2]);
  expect(line).toContain(shellQuote("it's plain"));
  expect(shell(line)).toBe(`${words.join('\n')}\n`);
  remove();
});

test('the files are for their owner alone, and are gone afterwards', () => {
  const { lines, remove } = pasteLines({ a: lineOf(`Authorization: Bearer ${token}`), b: lineOf('nothing') });
  const file = fileIn(lines.a ?? '');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(lines.b).toBe(lineOf('nothing'));
  remove();
  expect(existsSync(dirname(file))).toBe(false);
});

test('they are gone, too, when the process ends without another word', () => {
  const folder = temporaryFolder();
  const module = pathToFileURL(join(import.meta.dirname, '../../src/run/paste-lines.ts')).href;
  const program = `
    const { pasteLines } = await import(${JSON.stringify(module)});
    const { lines } = pasteLines({ a: "curl -H 'Authorization: Bearer ${token}'" });
    console.log(lines.a);
    process.exit(130);`;
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', typescript, '--input-type=module', '-e', program],
    { encoding: 'utf8', env: { ...process.env, TMPDIR: folder } },
  );
  expect(status).toBe(130);
  expect(stdout).toContain(`cat ${folder}/jwt-e2e-paused-`);
  expect(readdirSync(folder)).toEqual([]);
});

test('where no file can be written, the line stays as it is', () => {
  vi.stubEnv('TMPDIR', join(tmpdir(), 'jwt-e2e-is-not-there'));
  const line = lineOf(`Authorization: Bearer ${token}`);
  expect(pasteLines({ a: line }).lines.a).toBe(line);
});

test('a shell gets every word as it was, whatever is in it', () => {
  rememberOpaque('s3cret-of-this-test');
  const secret = fc.constantFrom('s3cret-of-this-test', token);
  const text = fc.stringMatching(/^[ -~]{0,12}$/);
  const any = fc.tuple(text, fc.option(secret, { nil: '' }), text).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 4 }), (words) => {
      const { lines, remove } = pasteLines({ a: lineOf(...words) });
      try {
        expect(shell(lines.a ?? '')).toBe(`${words.join('\n')}\n`);
        expect(lines.a).not.toContain('s3cret-of-this-test');
      } finally {
        remove();
      }
    }),
    { numRuns: 30 },
  );
});
