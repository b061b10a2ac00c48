/**
 * Stands in for mccutchen/go-httpbin: the paths that people use to try out authentication. Status codes and content
 * types are those of go-httpbin v2.26.0, compared path by path.
 */
import {
  type Answer,
  type App,
  type AppRequest,
  answer,
  headerValues,
  percentDecode,
  sentBytes,
} from '../app-request.ts';
import { origin } from './httpbin-request.ts';
import { failure, routes } from './httpbin-routes.ts';

const text = 'text/plain; charset=utf-8';

/** What go-httpbin has besides, by first segment: a clear 501 is better than a 404 that looks like its own. */
const missing = new Set(
  `absolute-redirect base64 basic-auth brotli bytes cache deflate deny digest-auth drip dump encoding env etag forms gzip
  hidden-basic-auth hostname html image links problem range redirect redirect-to relative-redirect sse stream stream-bytes
  trailers unstable upload xml`.split(/\s+/),
);

/** @param containerPorts the ports that the container declares; 8080 when it declares none */
export function httpbin(containerPorts: readonly number[]): App {
  return {
    ports: containerPorts.length > 0 ? containerPorts : [8080],
    handle: async (request) => {
      const answered = await respond(request);
      return { ...answered, headers: [...answered.headers, ...cors(request)] };
    },
    logLine,
  };
}

/** Finds the route as Go's http.ServeMux does: by the segments of the path, each decoded on its own. */
async function respond(request: AppRequest): Promise<Answer> {
  if (request.method === 'OPTIONS') return { status: 200, headers: [], body: '' };
  const cleaned = clean(request.path);
  if (cleaned !== request.path) return redirect(request, cleaned);
  const segments = request.path.slice(1).split('/').map(percentDecode);
  if (segments.includes(undefined)) return answer(400, text, '400 Bad Request');
  const [first = '', parameter = '', ...more] = segments.map(String);
  const key = first === 'anything' || segments.length === 1 ? `/${first}` : `/${first}/*`;
  const fits = first === 'anything' || segments.length === 1 || (parameter !== '' && more.length === 0);
  const route = fits && !first.includes('/') && Object.hasOwn(routes, key) ? routes[key] : undefined;
  if (route === undefined) return unknown(request.path, first);
  if (route.methods && !route.methods.includes(request.method)) {
    return plainError(405, 'Method Not Allowed', [['Allow', route.methods.join(', ')]]);
  }
  try {
    return await route.run(request, parameter);
  } catch (error) {
    if (request.signal.aborted || !(error instanceof Error)) throw error;
    return failure(400, error.message);
  }
}

/** Without `.`, `..` and empty segments, as path.Clean of Go, but with the slash at the end. */
function clean(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function redirect(request: AppRequest, path: string): Answer {
  // Go escapes what is already escaped: %2F becomes %252F.
  const location = encodeURI(path) + (request.query ? `?${request.query}` : '');
  const link = location.replaceAll('&', '&amp;').replaceAll('"', '&#34;').replaceAll('<', '&lt;');
  const page = `<a href="${link}">Temporary Redirect</a>.\n\n`;
  const body = request.method === 'GET' ? page : '';
  return {
    status: 307,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Location', location],
    ],
    body,
  };
}

function unknown(path: string, first: string): Answer {
  const there = missing.has(first) || /^\/cookies\/(set|delete)$/.test(path);
  if (there) return failure(501, `the stand-in for httpbin on target local has no ${path}`);
  return plainError(404, '404 page not found', []);
}

/** An error as Go's http.Error writes it. */
function plainError(status: number, message: string, headers: Answer['headers']): Answer {
  const base = answer(status, text, `${message}\n`);
  return { ...base, headers: [...base.headers, ['X-Content-Type-Options', 'nosniff'], ...headers] };
}

function cors(request: AppRequest): [string, string][] {
  const [allowOrigin = '*'] = headerValues(request, 'origin');
  const always: [string, string][] = [
    ['Access-Control-Allow-Origin', allowOrigin],
    ['Access-Control-Allow-Credentials', 'true'],
  ];
  if (request.method !== 'OPTIONS') return always;
  const asked = headerValues(request, 'access-control-request-headers');
  return [
    ...always,
    ['Access-Control-Allow-Methods', 'GET, POST, HEAD, PUT, DELETE, PATCH, OPTIONS'],
    ['Access-Control-Max-Age', '3600'],
    ...asked.map((names): [string, string] => ['Access-Control-Allow-Headers', names]),
  ];
}

function logLine(request: AppRequest, answered: Answer): string {
  const fields = {
    time: new Date().toISOString(),
    level: answered.status < 400 ? 'INFO' : 'WARN',
    status: answered.status,
    method: request.method,
    uri: JSON.stringify(request.line.split(' ')[1]),
    size_bytes: sentBytes(request, answered),
    user_agent: JSON.stringify(headerValues(request, 'user-agent')[0] ?? ''),
    client_ip: origin(request),
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
