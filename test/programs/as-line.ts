/** What is told while programs are fetched, as one line. */
import type { Report } from '../../src/programs/report.ts';

export function asLine(message: string, kind: Parameters<Report>[1]): string {
  if (kind === undefined || kind === 'step') return message;
  const { done, total, unit } = kind;
  return `${message}: ${done}${total === undefined ? '' : ` of ${total}`} ${unit}`;
}
