/** Outcomes as a Markdown table. */
import { oneLine } from '../../src/base/harmless.ts';
import type { Outcome } from './cell.ts';

export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ target, fault, moment, exit, message, state, wrong }) => [
    target,
    fault,
    moment,
    exit === undefined ? '' : String(exit),
    message ?? '',
    state === 'ok' ? 'ok' : `${state}: ${wrong.join('; ').slice(0, 300)}`,
  ]);
  const head = ['target', 'fault', 'moment', 'exit', 'message', 'verdict'];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(cellOf).join(' | ')} |`)
    .join('\n');
}

function cellOf(text: string): string {
  return oneLine(text).replaceAll('|', '\\|');
}
