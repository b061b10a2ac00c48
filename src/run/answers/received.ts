/** What an application says that it received: httpbin's echo of a request, in the forms of Go's and of Python's httpbin. */
import { HarnessError } from '../../base/errors.ts';
import { isMap } from '../../base/kube-object.ts';
import type { Answer } from '../../scenario/format/schema.ts';
import { isExpected } from '../../scenario/table.ts';
import type { HttpResponse } from '../../target/target.ts';
import type { Outcome } from './converge.ts';
import { valueDifference, wantedText } from './header-values.ts';

type Wanted = NonNullable<Answer['received']>;

interface Echo {
  readonly method: string | undefined;
  /** With the query. */
  readonly path: string | undefined;
  /** By name in lower case, each value that came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/**
 * What is different, in one line; undefined when the application received what it should.
 *
 * @param response with the status that is expected
 */
export function receivedDifference(response: HttpResponse, wanted: Wanted): string | undefined {
  const echo = echoOf(response.body);
  const untold = echo === undefined ? noEcho : missingPart(echo, wanted);
  if (echo === undefined || untold !== undefined) return untold;
  for (const part of ['method', 'path'] as const) {
    if (wanted[part] !== undefined && wanted[part] !== echo[part])
      return `the application received the ${part} ${echo[part]} instead of ${wanted[part]}`;
  }
  for (const [name, value] of Object.entries(wanted.headers ?? {})) {
    const wrong = valueDifference(value, echo.headers.get(name.toLowerCase()) ?? []);
    if (wrong !== undefined) return `the header ${name} that the application received ${wrong}`;
  }
  return undefined;
}

/**
 * Why a wrong answer says nothing about the mesh: what was received is read from it, and it does not tell. Undefined when
 * it tells, or is wrong for another reason.
 */
export function withoutEcho(
  { held, difference, response }: Outcome,
  { code, received }: Answer,
): HarnessError | undefined {
  if (held || difference === undefined || received === undefined || !isExpected(code, response.status))
    return undefined;
  const echo = echoOf(response.body);
  const why = echo === undefined ? noEcho : missingPart(echo, received);
  const hint =
    'Ask for a path that echoes the request, such as /anything of httpbin, which says all, or /headers.';
  return why === undefined ? undefined : new HarnessError('E_UNPROVEN', why, { hint });
}

const noEcho = 'the answer does not say what the application received: it is no JSON with a map "headers"';

function missingPart(echo: Echo, wanted: Wanted): string | undefined {
  const part = (['method', 'path'] as const).find(
    (each) => wanted[each] !== undefined && echo[each] === undefined,
  );
  return part && `the answer does not say with which ${part} the request came to the application`;
}

/** As reports print it. */
export function receivedText({ method, path, headers = {} }: Wanted): string {
  const parts = [method, path].filter((part) => part !== undefined);
  const values = Object.entries(headers).map(([name, value]) => `${name}: ${wantedText(value)}`);
  return `the application receives ${[...parts, ...values].join(', ')}`;
}

function echoOf(body: string): Echo | undefined {
  let said: unknown;
  try {
    said = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isMap(said) || !isMap(said.headers)) return undefined;
  const headers = Object.entries(said.headers).map(
    ([name, value]) => [name.toLowerCase(), [value].flat().map(String)] as const,
  );
  const { method, url } = said;
  return {
    method: typeof method === 'string' ? method : undefined,
    path: typeof url === 'string' ? url.replace(/^[a-z]+:\/\/[^/?#]*/i, '') : undefined,
    headers: new Map(headers),
  };
}
