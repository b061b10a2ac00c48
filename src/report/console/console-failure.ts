/** How a check that did not pass is told on the console: at most eight lines, with all it takes to go on. */

import path from 'node:path';
import { formatPlace, type Place } from '../../base/errors.ts';
import type { CheckResult } from '../../base/events.ts';
import { oneLine, visible } from '../../base/harmless.ts';
import { displayWidth, firstLine, truncate } from '../text.ts';
import type { Colors } from './terminal.ts';

export interface FailureOptions {
  readonly colors: Colors;
  /** Columns to cut lines to, Infinity for none; what is to be pasted (commands, evidence folder) is never cut. */
  readonly width: number;
  /** The line of the file, or undefined when it cannot be read. */
  readonly readLine: (place: Place) => string | undefined;
  readonly artifacts?: string | undefined;
  /** The command that helps most, never cut. */
  readonly next?: string | undefined;
}

const most = 8;
const margin = '     ';
const labelWidth = 10;

/** The lines, without line breaks. */
export function failureLines(check: CheckResult, options: FailureOptions): string[] {
  const { colors, width } = options;
  const failed = check.state === 'failed';
  const paint = failed ? colors.red : colors.yellow;
  const label = (name: string): string => margin + colors.dim(name.padEnd(labelWidth));
  const cut = (text: string, indent: number): string => truncate(text, Math.max(20, width - indent));
  const row = (name: string, text: string): string => label(name) + cut(text, margin.length + labelWidth);

  const head = [
    `   ${paint(failed ? '✗' : '!')} ${colors.bold(cut(oneLine(check.id), margin.length))}`,
    row('sent', sent(check)),
    row('expected', expected(check)),
    paint(row(failed ? 'got' : 'error', got(check))),
  ];
  const { evidence, request } = check;
  const next = options.next === undefined ? [] : [label('next') + options.next];
  const place = placeLines(check, options, most - head.length - next.length);
  // More, as far as there is room; the reports have it in any case.
  const more: string[] = [];
  if (evidence !== undefined) {
    more.push(label('evidence') + oneLine(path.posix.join(options.artifacts ?? '', evidence)));
  }
  if (request !== undefined) {
    const curl = oneLine(request.curl);
    if (curl !== options.next) more.push(label('curl') + curl);
  }
  const room = most - head.length - place.length - next.length;
  return [...head, ...place, ...more.slice(0, room), ...next];
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
  return oneLine(`${answer}, by ${source.document}, "${source.section}"`);
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
 * The place with its line of the scenario file, a caret below the cell, and behind the caret what else is known; on a
 * narrow terminal that gets a line of its own. At most `lines`.
 */
function placeLines(check: CheckResult, options: FailureOptions, lines: number): string[] {
  const { colors, width, readLine } = options;
  const notes = notesOf(check);
  const place = formatPlace(check.place);
  const text = readLine(check.place);
  const noteLine = margin + truncate(notes, Math.max(20, width - margin.length));
  if (text === undefined) return [margin + colors.cyan(place), ...(notes === '' ? [] : [noteLine])];

  const before = `${margin}${place}  `;
  const room = Math.max(20, width - displayWidth(before));
  const { source, offset } = sourceAround(text, check.place.column, room);
  const first = `${margin}${colors.cyan(place)}  ${source}`;
  const at = displayWidth(before) + offset;
  const caret = at < width ? `${' '.repeat(at)}${colors.red('^')}` : undefined;
  if (caret !== undefined && at + 2 + displayWidth(notes) <= width)
    return [first, `${caret} ${notes}`.trimEnd()];
  const rest = [caret, notes === '' ? undefined : noteLine].filter((part) => part !== undefined);
  return [first, ...rest.slice(Math.max(0, rest.length - (lines - 1)))];
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
