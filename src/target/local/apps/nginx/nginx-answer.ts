/** What nginx answers to a request, once its configuration is read. */

import { STATUS_CODES } from 'node:http';
import { type Answer, type AppRequest, answer, percentDecode } from '../app-request.ts';
import type { Location, Scope, ServerBlock } from './nginx-config.ts';
import { find, type Mounts, typeOf } from './nginx-files.ts';
import { hostName, variableValue, withVariables } from './nginx-variables.ts';

/** Those that add_header holds for without `always`. Source: https://nginx.org/en/docs/http/ngx_http_headers_module.html */
const decorated = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308];
const redirects = [301, 302, 303, 307, 308];

export function respond(servers: readonly ServerBlock[], mounts: Mounts, request: AppRequest): Answer {
  const server = chooseServer(servers, request.containerPort, request.host);
  const uri = normalize(request.path);
  if (uri === undefined) return decorate(statusPage(400), server, request);
  if (request.method === 'TRACE') return decorate(statusPage(405), server, request);
  return inServer(server, mounts, request, uri);
}

/** @param uri decoded */
function inServer(server: ServerBlock, mounts: Mounts, request: AppRequest, uri: string): Answer {
  if (server.return) return decorate(fixed(server, request, uri), server, request);
  const location = chooseLocation(server.locations, uri);
  const scope = conditional(location, request) ?? location ?? server;
  if (scope.return) return decorate(fixed(scope, request, uri), scope, request);
  if (!['GET', 'HEAD', 'POST'].includes(request.method)) return decorate(statusPage(405), scope, request);
  const file = fileOf(scope, location, uri);
  if (!uri.endsWith('/')) return decorate(serve(scope, mounts, request, uri, file), scope, request);
  // An index file is a request of its own: another location may have it.
  const index = scope.index.find((name) => find(mounts, `${file}${name}`)?.kind === 'file');
  if (index !== undefined) return inServer(server, mounts, request, `${uri}${index}`);
  return decorate(statusPage(find(mounts, file)?.kind === 'directory' ? 403 : 404), scope, request);
}

/** What a location answers under a condition that holds for this request. */
function conditional(location: Location | undefined, request: AppRequest): Scope | undefined {
  return location?.conditions.find(
    ({ variable, value, isNot }) => (variableValue(variable, request, location.maps) === value) !== isNot,
  )?.scope;
}

/** Where the file for a path is. */
function fileOf(scope: Scope, location: Location | undefined, uri: string): string {
  if (location?.alias === undefined) return `${scope.root}${uri}`;
  return `${location.alias}${uri.slice(location.path.length)}`;
}

function serve(scope: Scope, mounts: Mounts, request: AppRequest, uri: string, file: string): Answer {
  const found = find(mounts, file);
  if (found === undefined) return statusPage(404);
  if (found.kind === 'directory') return redirect(request, 301, encode(`${uri}/`));
  if (request.method === 'POST') return statusPage(405);
  return answer(200, typeOf(uri, scope.defaultType), found.content);
}

/** The answer of a `return`. Source: https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#return */
function fixed(scope: Scope, request: AppRequest, uri: string): Answer {
  const { code } = scope.return!;
  const text = withVariables(scope.return!.text, request, scope.maps);
  if (code === 444) return { status: code, headers: [], body: '', hangUp: true };
  if (redirects.includes(code) && text !== '') return redirect(request, code, text);
  if (code >= 300 && text === '') return statusPage(code);
  const { reason } = statusPage(code);
  if (code === 204) return { status: code, headers: [], body: '' };
  return { ...answer(code, typeOf(uri, scope.defaultType), text), reason };
}

/** nginx makes a path a whole URL, with the port that it listens on itself. */
function redirect(request: AppRequest, code: number, to: string): Answer {
  const port = request.containerPort === 80 ? '' : `:${request.containerPort}`;
  // A header takes bytes, not characters.
  const bytes = Buffer.from(to, 'utf8').toString('latin1');
  const location = to.startsWith('/') ? `http://${hostName(request.host)}${port}${bytes}` : bytes;
  const page = statusPage(code);
  return { ...page, headers: [...page.headers, ['Location', location]] };
}

/** Adds what every answer of this place has. */
function decorate(base: Answer, scope: Scope, request: AppRequest): Answer {
  const added = scope.addHeaders
    .map((each) => ({ ...each, value: withVariables(each.value, request, scope.maps) }))
    .filter(({ value, always }) => value !== '' && (always || decorated.includes(base.status)))
    .map(({ name, value }) => [name, value] as const);
  return { ...base, headers: [['Server', 'nginx'], ...base.headers, ...added], logged: scope.logged };
}

function encode(path: string): string {
  return encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent);
}

/** The pages that nginx makes itself, for errors and redirects. Compared with nginx 1.22. */
const withPage = new Set([
  301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416,
  421, 429, 500, 501, 502, 503, 504, 505, 507,
]);

/** Where nginx has other words than RFC 9110. */
const words: Readonly<Record<number, string>> = {
  401: 'Authorization Required',
  405: 'Not Allowed',
  408: 'Request Time-out',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  416: 'Requested Range Not Satisfiable',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

/** What nginx answers with a status and no text of its own: a page, or nothing for a status it has no page for. */
function statusPage(status: number): Answer {
  if (!withPage.has(status)) return { status, reason: status < 300 ? undefined : '', headers: [], body: '' };
  const title = `${status} ${words[status] ?? STATUS_CODES[status]}`;
  const lines = [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    '<hr><center>nginx</center>',
    '</body>',
    '</html>',
    '',
  ];
  return { ...answer(status, 'text/html', lines.join('\r\n')), reason: reasons[status] };
}

const reasons: Readonly<Record<number, string>> = { 302: 'Moved Temporarily', 405: 'Not Allowed' };

/**
 * The path that nginx compares with locations and finds files by: decoded, without `.` and `..`, and with slashes that
 * follow each other merged. An escaped slash or dot counts like one that is not.
 *
 * @param path as it was sent, without the query
 * @returns undefined for what nginx answers with 400: a bad escape, a null, a way out of the root
 */
function normalize(path: string): string | undefined {
  const decoded = percentDecode(path)?.toString('utf8');
  if (decoded === undefined || decoded.includes('\0') || !decoded.startsWith('/')) return undefined;
  const segments = decoded.slice(1).split('/');
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..' && kept.pop() === undefined) return undefined;
    if (!['', '.', '..'].includes(segment)) kept.push(segment);
  }
  const directory = ['', '.', '..'].includes(segments[segments.length - 1]!);
  return `/${kept.join('/')}${directory && kept.length > 0 ? '/' : ''}`;
}

/**
 * The server with this name, else the longest `*.name`, else the longest `name.*`, else the default server of the port.
 * Source: https://nginx.org/en/docs/http/server_names.html
 *
 * @param port that the container would listen on; one of the servers must listen there
 */
function chooseServer(servers: readonly ServerBlock[], port: number, host: string): ServerBlock {
  const here = servers.filter(({ listen }) => listen.some((each) => each.port === port));
  const name = hostName(host);
  const named = here
    .flatMap((server) => server.names.map((pattern) => ({ server, rank: rank(pattern, name) })))
    .sort((one, other) => other.rank - one.rank)[0];
  if (named !== undefined && named.rank > 0) return named.server;
  const isDefault = ({ listen }: ServerBlock) => listen.some((each) => each.port === port && each.isDefault);
  return here.find(isDefault) ?? here[0]!;
}

/** How well a pattern fits: 0 not at all, then by kind and length. */
function rank(pattern: string, name: string): number {
  if (pattern === name) return 1e9;
  if (pattern.startsWith('.')) {
    return pattern.slice(1) === name ? 1e9 : name.endsWith(pattern) ? 1e6 + pattern.length : 0;
  }
  if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1)) ? 1e6 + pattern.length : 0;
  return pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1)) ? pattern.length : 0;
}

/**
 * The location that is exactly this path, else the one with the longest prefix of it.
 * Source: https://nginx.org/en/docs/http/ngx_http_core_module.html#location
 */
function chooseLocation(locations: readonly Location[], uri: string): Location | undefined {
  return locations
    .filter(({ exact, path }) => (exact ? path === uri : uri.startsWith(path)))
    .sort((one, other) => Number(other.exact) - Number(one.exact) || other.path.length - one.path.length)[0];
}
