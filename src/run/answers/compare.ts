/** Whether an answer is the expected one. */

import { limits, sizeText } from '../../base/files/limits.ts';
import { checkJwks } from '../../jwks/check-jwks.ts';
import type { Answer } from '../../scenario/format/schema.ts';
import { isExpected } from '../../scenario/table.ts';
import type { HttpResponse } from '../../target/target.ts';
import { valueDifference, wantedText } from './header-values.ts';
import { receivedDifference, receivedText } from './received.ts';

/** The expectation as reports print it, such as `403 "RBAC: access denied"`. */
export function describeExpected(expected: Answer): string {
  const { body, headers, received } = expected;
  const parts: string[] = [];
  if (typeof body === 'string') parts.push(JSON.stringify(body));
  else if (body !== undefined && 'contains' in body)
    parts.push(
      `body contains ${partsOf(body.contains)
        .map((part) => JSON.stringify(part))
        .join(' and ')}`,
    );
  else if (body !== undefined) parts.push(`body is a JWKS of issuer ${body.jwks}`);
  for (const [name, value] of Object.entries(headers ?? {}))
    parts.push(`${name}: ${typeof value === 'string' ? value : wantedText(value)}`);
  if (received !== undefined) parts.push(receivedText(received));
  if (expected.within !== undefined) parts.push(`within ${expected.within}`);
  return [String(expected.code), ...parts].join(' ');
}

/** The answer in the same form: the code, with the body of an error, or where it is the body that is expected otherwise. */
export function describeActual(response: HttpResponse, expected: Answer): string {
  if (response.status === 0) return `no answer (${response.error ?? 'unknown reason'})`;
  const body = response.body.trim().replace(/\s+/g, ' ');
  const aboutBody = expected.body !== undefined && isExpected(expected.code, response.status);
  const show = body !== '' && (aboutBody || response.status >= 400);
  const shown = show ? `${response.status} ${JSON.stringify(clip(body))}` : String(response.status);
  return `${shown}${cutNote(response)}`;
}

/** What an answer is followed by when there was more of it than is read. */
function cutNote({ isCut }: Pick<HttpResponse, 'isCut'>): string {
  return isCut === true ? ` (its body was cut after ${sizeText(limits.body)})` : '';
}

/** As much of a body as reports have. */
const reported = 4096;

/** What reports show of a body, and that there was more of it. */
export function shownBody({ body, isCut }: Pick<HttpResponse, 'body' | 'isCut'>): string {
  if (body.length <= reported && isCut !== true) return body;
  return `${body.slice(0, reported)}\n… (cut: of ${isCut === true ? 'more than ' : ''}${Buffer.byteLength(body)} bytes, the first ${reported} characters)`;
}

function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

/**
 * Undefined when the answer is right; otherwise one line that says what is different.
 *
 * @param kids key IDs by issuer, for expectations about a JWKS
 */
export function difference(
  response: HttpResponse,
  expected: Answer,
  kids: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  if (response.status === 0) return `no answer: ${response.error ?? 'unknown reason'}`;
  if (!isExpected(expected.code, response.status))
    return `status ${response.status} instead of ${expected.code}`;
  const { body } = expected;
  const actual = response.body.trim();
  if (typeof body === 'string' && (actual !== body.trim() || response.isCut === true)) {
    return `body ${JSON.stringify(clip(actual))}${cutNote(response)} instead of ${JSON.stringify(body)}`;
  }
  const parts = typeof body === 'object' && 'contains' in body ? partsOf(body.contains) : [];
  const without = parts.find((part) => !actual.includes(part));
  if (without !== undefined) {
    return `body ${JSON.stringify(clip(actual))}${cutNote(response)} does not contain ${JSON.stringify(without)}`;
  }
  if (typeof body === 'object' && 'jwks' in body) {
    const wrong = checkJwks(response.body, [...(kids.get(body.jwks) ?? [])]);
    if (wrong !== undefined) return `the body is not the expected JWKS: ${wrong}${cutNote(response)}`;
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const lower = name.toLowerCase();
    const came = Object.hasOwn(response.headers, lower) ? [response.headers[lower] ?? ''] : [];
    const wrong = valueDifference(value, came);
    if (wrong !== undefined) return `header ${name} ${wrong}`;
  }
  return expected.received && receivedDifference(response, expected.received);
}

/** The texts that a body must have in it. */
export function partsOf(contains: string | readonly string[]): readonly string[] {
  return typeof contains === 'string' ? [contains] : contains;
}
