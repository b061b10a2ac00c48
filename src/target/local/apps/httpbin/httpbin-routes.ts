/** The paths of go-httpbin that the stand-in has, and what it answers there. */
import { createHash, randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type AppRequest, answer, headerValues } from '../app-request.ts';
import { readFields } from './httpbin-body.ts';
import { cookies, headerFields, origin, parseForm, requestFields } from './httpbin-request.ts';
import { parseDelay, parseStatus } from './httpbin-values.ts';

export interface Route {
  /** All methods when there are none here. */
  readonly methods?: readonly string[];
  /** @param parameter the segment that `*` stands for. An error's message becomes the detail of an answer 400. */
  readonly run: (request: AppRequest, parameter: string) => Answer | Promise<Answer>;
}

const json = 'application/json; charset=utf-8';
const text = 'text/plain; charset=utf-8';
const get = ['GET', 'HEAD'];
const page = '<!DOCTYPE html>\n<title>httpbin</title>\n<h1>A service that tells what it was asked</h1>\n';
const slideshow = {
  title: 'Tokens',
  author: 'httpbin',
  slides: [{ title: 'Header, payload, signature', type: 'all' }],
};

/** By path; `*` stands for one segment. */
export const routes: Readonly<Record<string, Route>> = {
  '/': { methods: get, run: () => answer(200, 'text/html; charset=utf-8', page) },
  '/get': { methods: get, run: (request) => ok(requestFields(request)) },
  '/head': { methods: ['HEAD'], run: (request) => ok(requestFields(request)) },
  '/post': { methods: ['POST'], run: echo },
  '/put': { methods: ['PUT'], run: echo },
  '/patch': { methods: ['PATCH'], run: echo },
  '/delete': { methods: ['DELETE'], run: echo },
  '/anything': { run: echo },
  '/headers': { run: (request) => ok({ headers: headerFields(request) }) },
  '/ip': { run: (request) => ok({ origin: origin(request) }) },
  '/user-agent': { run: (request) => ok({ 'user-agent': headerValues(request, 'user-agent')[0] ?? '' }) },
  '/status/*': { run: (_, codes) => status(parseStatus(codes, Math.random())) },
  '/delay/*': { run: delayed },
  '/websocket/*': { methods: ['GET'], run: handshake },
  '/response-headers': { run: responseHeaders },
  '/json': { run: () => ok({ slideshow }) },
  '/uuid': { run: () => ok({ uuid: randomUUID() }) },
  '/bearer': { run: bearer },
  '/cookies': { run: (request) => ok({ cookies: cookies(request) }) },
  '/robots.txt': { run: () => answer(200, text, 'User-agent: *\nDisallow: /deny\n') },
};

/** go-httpbin's form of an error. */
export function failure(code: number, detail?: string): Answer {
  return answer(code, json, format({ status_code: code, error: STATUS_CODES[code] ?? '', detail }));
}

function ok(value: unknown): Answer {
  return answer(200, json, format(value));
}

function format(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function echo(request: AppRequest): Promise<Answer> {
  const fields = await readFields(request).catch((error: Error) => {
    throw new Error(`error parsing request body: ${error.message}`, { cause: error });
  });
  return ok({ ...requestFields(request), ...fields });
}

async function delayed(request: AppRequest, duration: string): Promise<Answer> {
  const ms = parseDelay(duration);
  await delay(ms, undefined, { signal: request.signal });
  const answered = await echo(request);
  const timing = `initial_delay;dur=${ms.toFixed(2)};desc="initial delay"`;
  return { ...answered, headers: [...answered.headers, ['Server-Timing', timing]] };
}

/** Some codes come with the header that belongs to them. */
function status(code: number): Answer {
  // Go sends the informational code and then 200; nobody asks for that on purpose.
  if (code < 200) return failure(501, `the stand-in for httpbin on target local has no status ${code}`);
  if (code === 304) return { status: code, headers: [], body: '' };
  const plain = answer(code, text, code === 418 ? "I'm a teapot!" : '');
  const extra = (name: string, value: string): Answer => ({
    ...plain,
    headers: [...plain.headers, [name, value]],
  });
  if ([301, 302, 303, 305, 307].includes(code)) return extra('Location', '/redirect/1');
  if (code === 300 || code === 308) return extra('Location', '/image/jpeg');
  if (code === 401) return extra('WWW-Authenticate', 'Basic realm="Fake Realm"');
  if (code === 407) return extra('Proxy-Authenticate', 'Basic realm="Fake Realm"');
  if (code === 406) return answer(code, json, format({ message: 'not acceptable', accept: ['image/'] }));
  return plain;
}

function responseHeaders(request: AppRequest): Answer {
  const asked = Object.entries(parseForm(request.query ?? ''));
  const type = fieldValue(asked.find(([name]) => name.toLowerCase() === 'content-type')?.[1][0] ?? json);
  const others = asked.filter(([name]) => name.toLowerCase() !== 'content-type');
  // A name that cannot stand in a header is left out there, and line breaks become blanks, as in Go.
  const headers = others.flatMap(([name, values]) =>
    /^[\w!#$%&'*+.^`|~-]+$/.test(name) ? values.map((value) => [name, fieldValue(value)] as const) : [],
  );
  const body = format({ 'Content-Type': [type], ...Object.fromEntries(others) });
  return { status: 200, headers: [['Content-Type', type], ...headers], body };
}

/** A text as the bytes that may stand in a header. */
function fieldValue(text: string): string {
  return Buffer.from(text.replaceAll(/[^\t\x20-\x7e\x80-\u{10ffff}]/gu, ' '), 'utf8').toString('latin1');
}

/** The server's part of a handshake (RFC 6455, section 4.2.2), and nothing after it. */
function handshake(request: AppRequest, parameter: string): Answer {
  if (parameter !== 'echo') return failure(404);
  const [key] = headerValues(request, 'sec-websocket-key');
  const isAsked = headerValues(request, 'upgrade').some((each) => each.toLowerCase() === 'websocket');
  if (!isAsked || key === undefined) return failure(400, 'websocket upgrade request expected');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Accept': accept };
  return { status: 101, headers: Object.entries(headers), body: '' };
}

function bearer(request: AppRequest): Answer {
  const [scheme, token, ...more] = (headerValues(request, 'authorization')[0] ?? '').trim().split(/\s+/);
  if (scheme === 'Bearer' && token !== undefined && more.length === 0)
    return ok({ authenticated: true, token });
  const refused = failure(401);
  return { ...refused, headers: [...refused.headers, ['WWW-Authenticate', 'Bearer']] };
}
