/** What is said about the checks of scenarios, without a mesh. */
import { reasonsOf } from '../policy/reasons.ts';
import type { Predicted } from '../run/explain/predict.ts';

/** A line a check: what is expected, what the policies say, and a sign for those that disagree. */
export function lineOf({ check, expected, deciding, agrees }: Predicted): string {
  const sign = agrees === undefined ? '?' : agrees ? '=' : '≠';
  return `${sign} ${check.id}: expected ${expectedText(expected)}, ${saysText(deciding?.answer)}`;
}

/** With every policy on the way, the nearest miss first. */
export function wholeOf(predicted: Predicted): string {
  const { hops } = predicted;
  const lines = hops.flatMap(({ pod, answer, notes }) => {
    const reasons = reasonsOf(answer);
    return [
      `  at ${pod.namespace}/${pod.name}: ${saysText(answer)}`,
      ...notes.map((note) => `    ${note}`),
      ...(reasons.length === 0 ? ['    no policy holds here'] : reasons.map((reason) => `    ${reason}`)),
    ];
  });
  return [lineOf(predicted), ...(lines.length === 0 ? ['  no proxy is on the way'] : lines)].join('\n');
}

function expectedText({ code, body }: Predicted['expected']): string {
  return body === undefined ? String(code) : `${code} ${JSON.stringify(body)}`;
}

function saysText(answer: NonNullable<Predicted['deciding']>['answer'] | undefined): string {
  if (answer === undefined) return 'no proxy is on the way';
  const { status, body, unknown } = answer;
  if (status === undefined) return `it cannot be known: ${unknown.join('; ')}`;
  if (status === 404) return 'the policies let it pass, and the gateway has no route for it: 404';
  return status === 200 ? 'the policies let it pass' : `the policies say ${status} ${body}`;
}
