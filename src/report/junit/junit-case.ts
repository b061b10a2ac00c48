/** A check as a JUnit test case: its name, its outcome, and the text that explains a failure. */
import path from 'node:path';
import { formatPlace } from '../../base/errors.ts';
import { type CheckResult, type CheckState, type Convergence, sourceText } from '../../base/events.ts';
import { wrongAnswerTexts } from '../convergence-text.ts';
import { plural } from '../text.ts';
import { promiseText, reasonOf, unprovenOf } from '../unproven.ts';
import type { JUnitCase } from './junit-xml.ts';

/** What a case is shown with. */
export interface CaseContext {
  /** Which of several meshes it is about: readers that list failures show neither the suite nor the class. */
  readonly mesh?: string | undefined;
  /** See junitSuites. */
  readonly artifacts?: string | undefined;
}

export function checkCase(check: CheckResult, classname: string, context: CaseContext = {}): JUnitCase {
  return {
    classname,
    name: [check.step, check.row, check.column].join(' / '),
    durationMs: check.durationMs,
    place: check.place,
    outcome: outcome(check, context),
    output: notes(check),
  };
}

/** A message that says which of several meshes it is about. */
export function onMesh(mesh: string | undefined, message: string): string {
  return mesh === undefined ? message : `${mesh}: ${message}`;
}

function outcome(check: CheckResult, { mesh, artifacts }: CaseContext): JUnitCase['outcome'] {
  switch (check.state) {
    case 'passed':
      return undefined;
    case 'skipped':
      return { kind: 'skipped', message: skippedMessage(check) };
    case 'known':
      return {
        kind: 'skipped',
        message: `known deviation until ${check.known?.until ?? 'an unknown day'}: ${check.known?.reason ?? 'no reason given'}; ${failureMessage(check)}`,
      };
    case 'failed':
      // Not one of the product's error codes: the harness worked, the mesh answered something else.
      return {
        kind: 'failure',
        type: check.code ?? 'E_CHECK',
        message: onMesh(mesh, failureMessage(check)),
        text: explanation(check, { mesh, artifacts }),
      };
    case 'error':
      return {
        kind: 'error',
        type: check.code ?? 'E_INTERNAL',
        message: onMesh(mesh, check.message ?? 'no verdict was possible'),
        text: explanation(check, { mesh, artifacts }),
      };
  }
}

/** With the promise that is left unproven; what went wrong before it has a case of its own. */
function skippedMessage(check: CheckResult): string {
  const [unproven] = unprovenOf([check]);
  const promises = unproven?.promises.map(promiseText) ?? [];
  return [reasonOf(check), ...promises.map((promise) => `not proven: ${promise}`)].join('; ');
}

/** All that many tools show, so it has to say what was expected even when the check's own message does not. */
function failureMessage({ expected, actual, message }: CheckResult): string {
  if (message?.includes(expected)) return message;
  const both = `expected ${expected}, got ${actual ?? 'no answer'}`;
  return message === undefined ? both : `${both}: ${message}`;
}

/**
 * The text below a failure. "at file:line" is how action-junit-report and others that do not get a file attribute
 * find the line to annotate.
 */
function explanation(check: CheckResult, { mesh, artifacts }: CaseContext): string {
  const { request, response, source } = check;
  const rows: [string, string | undefined][] = [
    ['mesh', mesh],
    ['expected', check.expected],
    ['actual', check.actual],
    ['why', check.message],
    ['hint', check.hint],
    ['source', [sourceText(source), source.url].filter((part) => part !== undefined).join(' ') || undefined],
    ['at', formatPlace(check.place)],
    ['request', request === undefined ? undefined : `${request.method} ${request.url}`],
    ['token', tokenText(check)],
    ['response', response === undefined ? undefined : responseText(response)],
    ['curl', request?.curl],
    ['evidence', check.evidence === undefined ? undefined : path.posix.join(artifacts ?? '', check.evidence)],
  ];
  return rows
    .filter((row): row is [string, string] => row[1] !== undefined)
    .map(([name, value]) => `${`${name}:`.padEnd(10)}${value.replaceAll(/\n(?!\n)/g, `\n${' '.repeat(10)}`)}`)
    .join('\n');
}

function tokenText({ request }: CheckResult): string | undefined {
  if (request === undefined) return undefined;
  const { token } = request;
  if (token === undefined) return 'no token';
  if (token.raw !== undefined) return `${token.name}: not a JWT, sent ${JSON.stringify(token.raw)}`;
  return `${token.name}\nheader ${JSON.stringify(token.header)}\nclaims ${JSON.stringify(token.claims)}`;
}

function responseText({ status, headers, body }: NonNullable<CheckResult['response']>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [String(status), ...lines, ...(body === '' ? [] : ['', body.trimEnd()])].join('\n');
}

/** What is worth knowing about a check that passed, too. */
function notes(check: CheckResult): string | undefined {
  const lines = [
    check.finding === undefined ? undefined : `finding: ${check.finding}`,
    check.convergence === undefined
      ? undefined
      : `convergence: ${convergenceText(check.convergence, check.state)}`,
    check.proof === undefined ? undefined : `proof: ${check.proof}`,
  ].filter((line) => line !== undefined);
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** `5 requests, last wrong answer after 380 ms, first right answer after 412 ms, 2 answers before it by the configuration before`. */
function convergenceText(convergence: Convergence, state: CheckState): string {
  const { attempts, firstRightMs, lastWrongMs } = convergence;
  return [
    plural(attempts, 'request'),
    ...(lastWrongMs === undefined ? [] : [`last wrong answer after ${Math.round(lastWrongMs)} ms`]),
    firstRightMs === undefined
      ? 'no right answer'
      : `first right answer after ${Math.round(firstRightMs)} ms`,
    ...wrongAnswerTexts(convergence, state),
    ...(convergence.limitMs === undefined ? [] : [`limit ${Math.round(convergence.limitMs)} ms`]),
  ].join(', ');
}
