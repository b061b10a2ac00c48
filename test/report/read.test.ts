import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { readResults } from '../../src/report/read.ts';
import { resultOf } from './results.ts';
import * as runs from './runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-read-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = resultOf(runs.failures);

function fileWith(text: string): string {
  const file = join(folder, 'results.json');
  writeFileSync(file, text);
  return file;
}

function refusal(text: string): HarnessError {
  try {
    readResults(fileWith(text), { name: 'results.json' });
  } catch (thrown) {
    if (thrown instanceof HarnessError) return thrown;
    throw thrown;
  }
  throw new Error('it was taken');
}

test('a report is read as it was written, with what this version does not know', () => {
  const text = JSON.stringify({ ...good, someday: { more: true } }, null, 2);
  expect(readResults(fileWith(text))).toEqual({ ...good, someday: { more: true } });
  expect(readResults(fileWith(`\uFEFF${text}`)).schemaVersion).toBe(1);
});

describe('a file that cannot be used is named, with what to do', () => {
  test.each([
    ['empty', '', 'results.json is not JSON: it is empty', 'whole'],
    ['cut off', JSON.stringify(good).slice(0, 900), 'results.json is not JSON: ', 'cut off'],
    ['another JSON file', '{"name":"x"}', 'it has no schemaVersion', 'jwt-e2e run --json'],
    ['no object', '[]', 'is not a JSON report of jwt-e2e', 'jwt-e2e run --json'],
    [
      'of a newer format',
      JSON.stringify({ ...good, schemaVersion: 2, run: { ...good.run, version: '3.1.4' } }),
      'results.json is of format 2, this program reads up to 1',
      'istio-jwt-e2e 3.1.4',
    ],
    ['of a newer format without a version', '{"schemaVersion":7}', 'is of format 7', 'that is newer'],
    [
      'damaged',
      JSON.stringify({ ...good, scenarios: [{ ...good.scenarios[0], state: 'fine' }] }),
      'results.json is damaged: scenarios[0].state: ',
      'schema/results.schema.json',
    ],
    [
      'with what the schema passes over',
      JSON.stringify(good).replace('"details":{', '"details":{"__proto__":{"cluster":"x"},'),
      'results.json is damaged: the value of a key "__proto__" is no text',
      'jwt-e2e run',
    ],
    [
      'nested without an end',
      JSON.stringify({ ...good, someday: 0 }).replace(/0}$/, `${'['.repeat(101)}${']'.repeat(101)}}`),
      'results.json is damaged: it is nested more than 100 levels deep',
      'jwt-e2e run',
    ],
  ])('%s', (_, text, message, hint) => {
    const error = refusal(text);
    expect([error.code, error.exitCode]).toEqual(['E_USAGE', 2]);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('\n');
    expect(error.hint).toContain(hint);
  });

  test('not there', () => {
    expect(() => readResults(join(folder, 'no.json'), { name: 'no.json' })).toThrow(
      expect.objectContaining({ code: 'E_USAGE', message: 'no.json does not exist' }),
    );
    expect(() => readResults(folder)).toThrow(/is a folder and no file/);
  });

  test('of a run that has not finished, unless that is wanted', () => {
    const text = JSON.stringify(resultOf(runs.killed));
    expect(refusal(text).message).toBe('results.json is of a run that has not finished');
    expect(readResults(fileWith(text), { unfinished: true }).run.state).toBe('running');
  });
});
