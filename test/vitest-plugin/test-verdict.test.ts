import { expect, test } from 'vitest';
import type { CheckResult } from '../../src/base/events.ts';
import { problemError, report } from '../../src/vitest-plugin/test-verdict.ts';

const check: CheckResult = {
  id: 'one/a step/valid//ip',
  kind: 'request',
  scenario: 'one',
  step: 'a step (first)',
  row: 'valid',
  column: '/ip',
  source: { document: 'a document', section: 'a section' },
  place: { file: '/somewhere/one.yaml', line: 17, column: 15 },
  state: 'passed',
  expected: '200',
  durationMs: 1,
};

/** What a test with this result does: passes, is skipped with a note, or throws. */
function outcome(result: Partial<CheckResult>): unknown {
  const notes: string[] = [];
  const context = { signal: new AbortController().signal, skip: (note: string) => void notes.push(note) };
  try {
    report({ ...check, ...result }, context);
  } catch (thrown) {
    return thrown;
  }
  return notes.length === 0 ? 'passed' : notes.join();
}

test('passed and skipped', () => {
  expect(outcome({})).toBe('passed');
  expect(outcome({ state: 'skipped', message: 'needs istio >=1.31' })).toBe('needs istio >=1.31');
});

test('a known deviation is skipped, with its reason and how long that is accepted', () => {
  const known = { reason: 'issue 7', until: '2027-01-31' };
  expect(outcome({ state: 'known', known, message: 'status 200 instead of 401' })).toBe(
    'known deviation, accepted until 2027-01-31: issue 7 (status 200 instead of 401)',
  );
});

test('a failure has what was expected and what came, how to send it again, and its place as the only one', () => {
  const error = outcome({
    state: 'failed',
    message: 'status 401 instead of 200',
    hint: 'the token has expired',
    actual: '401',
    request: { curl: 'curl http://x', method: 'GET', url: 'http://x', headers: [] },
    evidence: 'reports/artifacts/one',
  });
  expect(error).toMatchObject({ name: 'AssertionError', expected: '200', actual: '401' });
  expect((error as Error).message.split('\n')).toEqual([
    'status 401 instead of 200',
    'the token has expired',
    'by a document, "a section"',
    'curl http://x',
    'evidence: reports/artifacts/one',
  ]);
  expect((error as Error).stack?.split('\n').filter((line) => line.startsWith('    at '))).toEqual([
    '    at a step  first  (/somewhere/one.yaml:17:15)',
  ]);
});

test('no verdict is an error of another kind, and shows no difference', () => {
  const error = outcome({ state: 'error', code: 'E_NACK', message: 'Envoy has refused it' });
  expect(error).toMatchObject({ name: 'E_NACK' });
  expect(error).not.toHaveProperty('expected');
  expect((error as Error).stack).toContain('one.yaml:17:15');
});

test('a problem of the mesh has no place in the file', () => {
  const error = problemError({ code: 'E_DOCKER', message: 'no engine', hint: 'start it' });
  expect(error.stack).toBe('E_DOCKER: no engine\nstart it');
});

test('a problem of a file that a scenario applies is shown there', () => {
  const place = { file: '/somewhere/policies/one.yaml', line: 3, column: 5 };
  const error = problemError({ code: 'E_NACK', message: 'refused', place });
  expect(error.stack).toBe('E_NACK: refused\n    at E_NACK (/somewhere/policies/one.yaml:3:5)');
});
