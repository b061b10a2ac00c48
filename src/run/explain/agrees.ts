/** Whether what the policies say of a request is what a scenario expects of it. */
import type { RequestCheck } from '../../plan/types.ts';
import { isOfOthers } from '../../policy/rules.ts';
import { absent } from '../../scenario/format/schema-answers.ts';
import { isExpected } from '../../scenario/table.ts';
import { partsOf } from '../answers/compare.ts';
import { valueDifference } from '../answers/header-values.ts';
import type { Hop } from './hops.ts';

type Expected = RequestCheck['expected'];

/**
 * Whether the mesh could answer as expected; undefined: that is not known. When a request passes, the application answers
 * what it likes. That it answers 401 or 403 itself is possible, and nobody means it.
 */
export function agrees(expected: Expected, deciding: Hop | undefined): boolean | undefined {
  const { code, body, headers = {} } = expected;
  if (deciding === undefined) return undefined;
  const { status, body: own = '', wwwAuthenticate } = deciding.answer;
  if (status === undefined) return undefined;
  // Of 4xx nobody knows whether the application is meant.
  if (status === 200)
    return code === '4xx' ? undefined : code !== 401 && code !== 403 && passesOn(expected, deciding);
  const grpc = namedIn(headers, 'grpc-status');
  if (grpc !== undefined) return typeof grpc === 'string' && refusedCall[grpc] === status;
  if (!isExpected(code, status) || expected.received !== undefined) return false;
  const realm = namedIn(headers, 'www-authenticate');
  // Which address of a gateway stands in it is not known.
  const isKnown = deciding.pod.proxy !== 'gateway' || realm === absent || wwwAuthenticate === undefined;
  const realms = wwwAuthenticate === undefined ? [] : [wwwAuthenticate];
  if (realm !== undefined && isKnown && valueDifference(realm, realms) !== undefined) return false;
  if (body === undefined || typeof body === 'string') return body === undefined || body.trim() === own;
  return 'contains' in body ? partsOf(body.contains).every((part) => own.includes(part)) : false;
}

/** The status code that Envoy would answer, by the grpc-status that it answers to a gRPC call, with 200. */
export const refusedCall: Readonly<Record<string, number>> = { '7': 403, '16': 401 };

function namedIn<T>(headers: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
}

/** Whether the application receives what is expected, as far as policies decide that. */
function passesOn({ received }: Expected, { answer }: Hop): boolean {
  if (received?.path !== undefined && received.path !== answer.path) return false;
  return Object.entries(received?.headers ?? {})
    .filter(([name]) => !isOfOthers(name))
    .every(([name, wanted]) => valueDifference(wanted, valuesIn(answer.headers, name)) === undefined);
}

function valuesIn(headers: Hop['answer']['headers'], name: string): string[] {
  return headers.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
