/** How a check that did not pass is told on the console: in few lines, none of which is cut but that of the file. */

import path from 'node:path';
import { formatPlace, type Place } from '../../base/errors.ts';
import { type CheckResult, sourceText } from '../../base/events.ts';
import { oneLine, visible } from '../../base/harmless.ts';
import { mostNamed } from '../cause.ts';
import { displayWidth, firstLine, plural, truncate, wrap } from '../text.ts';
import { spelled } from './own-command.ts';
import type { Colors } from './terminal.ts';

export interface FailureOptions {
  readonly colors: Colors;
  /** Columns to break lines at, Infinity for none; what is to be pasted (commands, evidence folder) is never broken. */
  readonly width: number;
  /** The line of the file, or undefined when it cannot be read. */
  readonly readLine: (place: Place) => string | undefined;
  readonly artifacts?: string | undefined;
  /** What stands before the name of a command in hints. */
  readonly program?: string | undefined;
  /** The command that helps most, never cut. */
  readonly next?: string | undefined;
  /** Lines to paste while the run waits, by the ids of checks. */
  readonly requests?: Readonly<Record<string, string>> | undefined;
}

/** With short texts, so many lines. What is less needed goes first: the reports have it in any case. */
const most = 8;
const margin = '     ';
const labelWidth = 10;
/** Narrower text cannot be read. */
const leastWidth = 20;

/** The lines, without line breaks. */
export function failureLines(check: CheckResult, options: FailureOptions): string[] {
  const { colors, width } = options;
  const failed = check.state === 'failed';
  const paint = failed ? colors.red : colors.yellow;
  const label = (name: string): string => margin + colors.dim(name.padEnd(labelWidth));
  const indent = margin.length + labelWidth;
  const row = (name: string, text: string): string[] => {
    const [first = '', ...rest] = wrap(text, Math.max(leastWidth, width - indent));
    return [label(name) + first, ...rest.map((line) => ' '.repeat(indent) + line)];
  };
  const [name = '', ...more] = wrap(oneLine(check.id), Math.max(leastWidth, width - margin.length));
  const head = [
    `   ${paint(failed ? '✗' : '!')} ${colors.bold(name)}`,
    ...more.map((line) => `${margin}${colors.bold(line)}`),
    ...row('sent', sent(check)),
    ...row('expected', expected(check)),
    ...row(failed ? 'got' : 'error', got(check)).map(paint),
  ];
  const { evidence, request } = check;
  const next = options.next === undefined ? [] : [label('next') + options.next];
  const place = placeLines(check, options);
  const further: string[] = [];
  if (evidence !== undefined) {
    further.push(label('evidence') + oneLine(path.posix.join(options.artifacts ?? '', evidence)));
  }
  if (request !== undefined) {
    const curl = oneLine(request.curl);
    // A line that can be pasted stands beside it already when the run waits.
    if (options.requests?.[check.id] === undefined) further.push(label('curl') + curl);
  }
  const room = Math.max(0, most - head.length - place.length - next.length);
  return [...head, ...place, ...further.slice(0, room), ...next];
}

/** Checks that did not pass for the same reason as one that was told. @param before whether that was in another scenario */
export function sameCauseLines(
  checks: readonly CheckResult[],
  { colors, width, requests }: Pick<FailureOptions, 'colors' | 'width' | 'requests'>,
  before: boolean,
): string[] {
  const [first] = checks;
  if (first === undefined) return [];
  const failed = first.state === 'failed';
  const mark = failed ? colors.red('✗') : colors.yellow('!');
  const what = `${plural(checks.length, before ? 'check' : 'more check')} ${failed ? '' : 'without a verdict '}for the same reason`;
  const left = checks.length - mostNamed;
  return [
    `   ${mark} ${what}${before ? ' as above' : ''}:`,
    ...checks
      .slice(0, mostNamed)
      .flatMap(({ id, scenario }) => {
        const line = requests?.[id];
        return [
          ...wrap(oneLine(nameIn(id, scenario)), Math.max(leastWidth, width - margin.length)),
          ...(line === undefined ? [] : [`  ${line}`]),
        ];
      })
      .map((line) => margin + line),
    ...(left > 0 ? [colors.dim(`${margin}… ${left} more in the reports`)] : []),
  ];
}

/** Without the name of the scenario, which stands above. */
function nameIn(id: string, scenario: string): string {
  return id.startsWith(`${scenario}/`) ? id.slice(scenario.length + 1) : id;
}

function sent(check: CheckResult): string {
  const { request } = check;
  if (request !== undefined) {
    const token = request.token === undefined ? 'no token' : `token "${request.token.name}"`;
    return oneLine(`${request.method} ${request.url}, ${token}`);
  }
  return check.kind === 'fetched'
    ? 'nothing; who fetched the keys was read from the log of the key server'
    : `the manifests of step "${oneLine(check.step)}", to the API server`;
}

function expected({ expected: answer, source }: CheckResult): string {
  const by = sourceText(source);
  return oneLine(by === undefined ? answer : `${answer}, by ${by}`);
}

/** Code and first line of the body; for an error the reason why there is no verdict. */
function got(check: CheckResult): string {
  const { response, state } = check;
  if (state === 'error') return oneLine(`${check.code ?? 'E_INTERNAL'}: ${check.message ?? 'no verdict'}`);
  const body = response === undefined ? '' : truncate(bodyLine(response.body), 120);
  const actual = oneLine(check.actual ?? (response === undefined ? 'no answer' : String(response.status)));
  // The runner's description of the answer may quote the body already.
  return body === '' || actual.includes(body) ? actual : `${actual} ${body}`;
}

/** The first line of a body; of JSON, which often starts with a lone bracket, as much as fits. */
function bodyLine(body: string): string {
  return /^\s*[[{]/.test(body) ? oneLine(body) : firstLine(body);
}

/**
 * The place with its line of the scenario file, a caret below the cell, and behind the caret what else is known; where there
 * is no room for that, it gets lines of its own.
 */
function placeLines(check: CheckResult, { colors, width, readLine, program }: FailureOptions): string[] {
  const notes = spelled(notesOf(check), program ?? 'jwt-e2e');
  const place = formatPlace(check.place);
  const text = readLine(check.place);
  const noteLines =
    notes === '' ? [] : wrap(notes, Math.max(leastWidth, width - margin.length)).map((line) => margin + line);
  if (text === undefined) return [margin + colors.cyan(place), ...noteLines];

  const before = `${margin}${place}  `;
  const room = Math.max(leastWidth, width - displayWidth(before));
  const { source, offset } = sourceAround(text, check.place.column, room);
  const first = `${margin}${colors.cyan(place)}  ${source}`;
  const at = displayWidth(before) + offset;
  const caret = at < width ? `${' '.repeat(at)}${colors.red('^')}` : undefined;
  if (caret !== undefined && at + 2 + displayWidth(notes) <= width)
    return [first, `${caret} ${notes}`.trimEnd()];
  return [first, ...(caret === undefined ? [] : [caret]), ...noteLines];
}

/** A line without its indentation, cut to `room` columns so that the cell is in it, and where the cell begins. */
function sourceAround(text: string, column: number, room: number): { source: string; offset: number } {
  const line = visible(text).replaceAll('\t', ' ');
  const indent = line.length - line.trimStart().length;
  const trimmed = line.trim();
  const start = Math.max(0, column - 1 - indent);
  const ahead = displayWidth(trimmed.slice(0, start));
  if (ahead < room - 8) return { source: truncate(trimmed, room), offset: ahead };
  const from = Math.max(0, start - Math.floor(room / 3));
  const lead = `…${visible(trimmed.slice(from, start))}`;
  return { source: truncate(lead + visible(trimmed.slice(start)), room), offset: displayWidth(lead) };
}

function notesOf(check: CheckResult): string {
  return [
    check.state === 'error' ? undefined : check.message,
    check.finding === undefined ? undefined : `finding: ${check.finding}`,
    check.hint === undefined ? undefined : `hint: ${check.hint}`,
  ]
    .filter((note) => note !== undefined)
    .map(oneLine)
    .join('; ');
}
