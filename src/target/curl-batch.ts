/**
 * Many requests with one curl process: a curl configuration file is written to its standard input, and every
 * transfer ends with a line that says how long its header and body are. Needs curl 7.75 (for `exitcode`).
 */
import { randomBytes } from 'node:crypto';
import { HarnessError } from '../base/errors.ts';
import { limits, sizeText } from '../base/files/limits.ts';
import { shellQuote } from '../base/names.ts';
import { absoluteTarget, headersOf, isUpgraded, otherConnection } from './request-forms.ts';
import type { HttpRequest, HttpResponse, SendLimit } from './target.ts';

export interface CurlBatch {
  /** What a shell in the pod runs. */
  readonly command: string;
  /** The configuration file, for its standard input. */
  readonly config: string;
  /**
   * Reads what curl wrote to standard output: an answer for each transfer that came to its end, or has filled what there is
   * room for; then there are fewer than requests, and the others have to be sent anew. `endedAt`: when it ended,
   * milliseconds since the epoch.
   *
   * @throws HarnessError E_SEND when curl ended by itself, and answers are missing; `stderr` is then among its details
   */
  parse(stdout: Buffer, endedAt: number, stderr?: string): HttpResponse[];
}

/** Source ports for connections that are to be told apart: below those that systems choose themselves. */
const firstPort = 10_000;
const lastPort = 32_000;

/**
 * Builds the batch. Each transfer asks for its connection to be closed, so that the next one is made anew,
 * as separate curl processes would; paths are sent as they are (`path-as-is`, `globoff`). HTTP/2 and an upgrade leave no
 * room for that wish, but curl takes no connection again that was made from another range of ports.
 */
export function curlBatch(requests: readonly HttpRequest[], limit: SendLimit): CurlBatch {
  const boundary = `--${randomBytes(12).toString('hex')}`;
  const format = `\n${boundary} %{http_code} %{size_header} %{size_download} %{time_total} %{num_connects} %{exitcode} %{errormsg}\n${boundary}.\n`;
  const transfers = requests.flatMap((request, index) =>
    [...(request.before ?? []), request].map((each) => ({ each, isLast: each === request, index })),
  );
  const isApart = requests.some(({ http, upgrade }) => http === '2' || upgrade !== undefined);
  const blocks = transfers.map(({ each: request, isLast, index }) =>
    [
      `url = ${quote(request.url)}`,
      ...(request.method === 'GET' && request.upgrade === undefined
        ? []
        : [`request = ${quote(request.method)}`]),
      ...(isHeadOnly(request) ? ['head'] : []),
      ...headersOf(request).map(([name, value]) => `header = ${quote(headerArgument(name, value))}`),
      ...(request.body === undefined ? [] : bodyLines(request, request.body)),
      ...(isLast && request.upgrade === undefined && request.http !== '2'
        ? ['header = "Connection: close"']
        : []),
      ...versionLines(request),
      ...(isApart ? [`local-port = "${firstPort + (index % 10_000)}-${lastPort}"`] : []),
      ...(request.absoluteForm ? [`request-target = ${quote(absoluteTarget(request, request.url))}`] : []),
      'path-as-is',
      'globoff',
      'silent',
      // What curl has kept in a buffer is lost when it is ended.
      'no-buffer',
      'include',
      `max-time = ${limit.requestMs / 1000}`,
      'output = "-"',
      `write-out = ${quote(format)}`,
    ].join('\n'),
  );
  const config = `${blocks.join('\nnext\n')}\n`;
  // Whatever hangs, curl ends in time; what it has printed by then counts.
  const seconds = Math.ceil(limit.allMs / 1000);
  return {
    // A body without an end is cut here: it would fill the memory of everybody on its way.
    command: `{ head -c ${Buffer.byteLength(config)} | timeout ${seconds} curl -q -K -; code=$?; [ $code = 124 ] || [ $code = 143 ] && printf '\\n${boundary} out of time\\n'; } | head -c ${limits.batch}`,
    config,
    parse: (stdout, endedAt, stderr = '') =>
      lastOfEach(requests, parseOutput(stdout, boundary, transfers.length, endedAt, stderr)),
  };
}

/** With `-X HEAD`, and after the answer to an upgrade, curl would wait for a body that never comes. */
function isHeadOnly({ method, upgrade }: HttpRequest): boolean {
  return method === 'HEAD' || upgrade !== undefined;
}

function versionLines({ http, url }: HttpRequest): string[] {
  if (http === '1.0') return ['http1.0'];
  if (http === '2') return [/^https:/i.test(url) ? 'http2' : 'http2-prior-knowledge'];
  return http === '1.1' ? ['http1.1'] : [];
}

/** An answer for each request, of those to all that was sent: without the ones that only came before. */
function lastOfEach(requests: readonly HttpRequest[], answers: readonly Transfer[]): HttpResponse[] {
  const left = [...answers];
  const found: HttpResponse[] = [];
  for (const { before = [] } of requests) {
    const own = left.splice(0, before.length + 1);
    const last = own[before.length];
    if (last === undefined) break;
    const { connects: _, ...response } = last;
    const isOne = own.every(({ connects }, index) => connects === (index === 0 ? 1 : 0));
    found.push(before.length === 0 || isOne ? response : { ...response, ...otherConnection });
  }
  return found;
}

/** Of itself, curl would say that it is a form, and send POST. */
function bodyLines({ method, headers }: HttpRequest, body: string): string[] {
  const hasType = headers.some(([name]) => name.toLowerCase() === 'content-type');
  return [
    `data-raw = ${quote(body)}`,
    ...(method === 'GET' ? ['request = "GET"'] : []),
    ...(hasType ? [] : ['header = "Content-Type:"']),
  ];
}

/** Curl takes `Name:` with nothing behind it as the wish to leave the header away; `Name;` is an empty one. */
function headerArgument(name: string, value: string): string {
  return value.trim() === '' ? `${name};` : `${name}: ${value}`;
}

/** Curl's quoting in configuration files: backslash escapes within double quotes. */
function quote(text: string): string {
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' };
  return `"${text.replace(/["\\]/g, '\\$&').replace(/[\n\r\t\v]/g, (character) => escapes[character] ?? '')}"`;
}

/** An answer, and how many connections were made for it. */
interface Transfer extends HttpResponse {
  readonly connects?: number;
}

function parseOutput(
  stdout: Buffer,
  boundary: string,
  count: number,
  endedAt: number,
  stderr: string,
): Transfer[] {
  const responses: Omit<Transfer, 'at'>[] = [];
  const begin = Buffer.from(`\n${boundary} `);
  const end = Buffer.from(`\n${boundary}.\n`);
  const outOfTime = Buffer.from(`\n${boundary} out of time\n`);
  let position = 0;
  while (responses.length < count) {
    const marker = stdout.indexOf(begin, position);
    const close = marker < 0 ? -1 : stdout.indexOf(end, marker);
    if (close < 0) {
      if (stdout.length >= limits.batch) {
        const cut = readCut(stdout.subarray(position), responses.length === 0);
        if (cut !== undefined) responses.push(cut);
        break;
      }
      if (stdout.includes(outOfTime)) break;
      throw new HarnessError('E_SEND', `curl ended after ${responses.length} of ${count} requests`, {
        details: `${stderr}\n${stdout.subarray(position).toString('utf8').slice(0, 2000)}`.trim(),
      });
    }
    const summary = stdout.subarray(marker + begin.length, close).toString('utf8');
    responses.push(readTransfer(stdout.subarray(position, marker), summary));
    position = close + end.length;
  }
  // Curl works one by one: walking back from the end gives the time of each answer.
  let at = endedAt;
  return responses
    .reverse()
    .map((response) => {
      const stamped = { ...response, at };
      at -= response.durationMs;
      return stamped;
    })
    .reverse();
}

/** Of the header of an answer. */
const headerEnd = Buffer.from('\r\n\r\n');

/**
 * An answer whose rest is missing; undefined when there is less of it than is kept, so that it has to be asked for again.
 *
 * @param isAlone nothing was before it, so that there would not be more of it the next time
 */
function readCut(output: Buffer, isAlone: boolean): Omit<HttpResponse, 'at'> | undefined {
  for (let start = 0, end = output.indexOf(headerEnd); end >= 0; end = output.indexOf(headerEnd, start)) {
    const size = end + headerEnd.length;
    const status = Number(output.subarray(start, end).toString('latin1').split(' ')[1]);
    if (status >= 200) {
      if (output.length - size < limits.body) break;
      return {
        status,
        headers: readHeaders(output.subarray(0, size).toString('latin1')),
        body: output.subarray(size, size + limits.body).toString('utf8'),
        isCut: true,
        durationMs: 0,
      };
    }
    // An interim answer (RFC 9110, section 15.2).
    start = size;
  }
  if (!isAlone) return undefined;
  const error = `its header has no end within ${sizeText(limits.batch)}`;
  return { status: 0, headers: {}, body: '', durationMs: 0, error };
}

function readTransfer(output: Buffer, summary: string): Omit<Transfer, 'at'> {
  const [code, headerSize, , seconds, connects, exitCode, ...message] = summary.split(' ');
  const head = output.subarray(0, Number(headerSize)).toString('latin1');
  const whole = output.subarray(Number(headerSize));
  const body = whole.subarray(0, limits.body).toString('utf8');
  // After the head of another protocol, curl misses an answer of HTTP.
  const failed = exitCode !== '0' && !isUpgraded(Number(code));
  return {
    connects: Number(connects),
    status: Number(code),
    headers: readHeaders(head),
    body,
    ...(whole.length > limits.body ? { isCut: true } : {}),
    durationMs: Math.round(Number(seconds) * 1000),
    error: failed ? `curl exit code ${exitCode}: ${message.join(' ')}`.trim() : undefined,
  };
}

/** Headers of the last response in `head` (an interim 1xx response comes before it); repeated ones are joined. */
function readHeaders(head: string): Record<string, string> {
  const last =
    head
      .trimEnd()
      .split(/\r?\n\r?\n/)
      .pop() ?? '';
  // Nothing is inherited: a header may be called "constructor".
  const headers: Record<string, string> = Object.create(null);
  for (const line of last.split(/\r?\n/).slice(1)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

/**
 * The request as a line for a shell, such as `curl --path-as-is -sS -i -H '…' 'http://…'`.
 *
 * @param options for each request in it, as they stand there
 */
export function curlLine(request: HttpRequest, url: string, options: readonly string[] = []): string {
  const all = [...(request.before ?? []), request];
  return `curl ${all.map((each) => argumentsOf(each, url, options)).join(' --next ')}`;
}

function argumentsOf(request: HttpRequest, url: string, options: readonly string[]): string {
  const parts = [...options, '--path-as-is', '--globoff', '-sS', '-i'];
  const isGet = request.method === 'GET' && request.upgrade === undefined;
  if (isHeadOnly(request)) parts.push('--head');
  if (!isGet && request.method !== 'HEAD') parts.push('-X', request.method);
  parts.push(...versionLines({ ...request, url }).map((option) => `--${option}`));
  if (request.absoluteForm) parts.push('--request-target', shellQuote(absoluteTarget(request, url)));
  for (const [name, value] of headersOf({ ...request, id: '' }))
    parts.push('-H', shellQuote(headerArgument(name, value)));
  if (request.body !== undefined) {
    if (request.method === 'GET') parts.push('-X', 'GET');
    parts.push('--data-raw', shellQuote(request.body));
  }
  return [...parts, shellQuote(url)].join(' ');
}
