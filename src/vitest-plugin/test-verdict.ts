/** What a check amounts to as a test: it passes, is skipped, or fails with an error that points into the scenario file. */
import { type CheckResult, type Problem, sourceText } from '../base/events.ts';
import { oneLine, visible } from '../base/harmless.ts';

/** What is needed of the context that Vitest gives a test. */
export interface TestContext {
  readonly signal: AbortSignal;
  skip(note: string): void;
}

/** An error with fields that Vitest understands: it shows `expected` and `actual` as a difference. */
interface TestError extends Error {
  expected?: string;
  actual?: string;
}

/** Throws, unless the check has passed. @param check with an absolute file in its place */
export function report(check: CheckResult, context: TestContext): void {
  switch (check.state) {
    case 'passed':
      return;
    case 'skipped':
      context.skip(oneLine(check.message ?? 'skipped'));
      return;
    case 'known':
      context.skip(
        oneLine(
          `known deviation, accepted until ${check.known?.until}: ${check.known?.reason} (${check.message ?? ''})`,
        ),
      );
      return;
    case 'failed': {
      const { expected, actual = 'no answer' } = check;
      const error = errorAt(check, 'AssertionError', check.message ?? `expected ${expected}, got ${actual}`);
      throw Object.assign(error, { expected: visible(expected), actual: visible(actual) });
    }
    case 'error':
      throw errorAt(check, check.code ?? 'E_INTERNAL', check.message ?? 'no verdict');
  }
}

/** An error for a problem that is not about a check. @param problem with an absolute file in its place */
export function problemError({ code, message, hint, place, details }: Problem): Error {
  const lines = [message, ...(hint === undefined ? [] : [hint]), ...(details === undefined ? [] : [details])];
  return withStack(code, lines.join('\n'), place === undefined ? undefined : { ...place, what: code });
}

function errorAt(check: CheckResult, name: string, message: string): TestError {
  const { hint, request, evidence, source, place, step } = check;
  const by = sourceText(source);
  const lines = [
    message,
    ...(hint === undefined ? [] : [hint]),
    ...(by === undefined ? [] : [`by ${by}`]),
    ...(request === undefined ? [] : [request.curl]),
    ...(evidence === undefined ? [] : [`evidence: ${evidence}`]),
  ];
  return withStack(name, lines.join('\n'), { ...place, what: step });
}

/** The only line of the stack is the place in the scenario file, or in one that it applies, which Vitest shows with the lines around it. */
function withStack(
  name: string,
  message: string,
  place: { file: string; line: number; column: number; what: string } | undefined,
): Error {
  const text = visible(message);
  const error = new Error(text);
  error.name = name;
  const at =
    place === undefined
      ? ''
      : `\n    at ${place.what.replaceAll(/[()\n]/g, ' ')} (${place.file}:${place.line}:${place.column})`;
  error.stack = `${name}: ${text}${at}`;
  return error;
}
