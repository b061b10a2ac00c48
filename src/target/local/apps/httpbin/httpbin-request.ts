/** What go-httpbin tells of a request. */
import { type AppRequest, headerValues, percentDecode } from '../app-request.ts';

/** Names, each with all its values, as Go's http.Header and url.Values have them. */
export type Lists = Readonly<Record<string, readonly string[]>>;

/** The fields that /get, /post, /anything and others begin with. */
export function requestFields(request: AppRequest) {
  return {
    args: parseForm(request.query ?? ''),
    headers: headerFields(request),
    method: request.method,
    origin: origin(request),
    url: urlOf(request),
  };
}

/** All headers, under the names that Go's http.CanonicalHeaderKey gives them, in alphabetical order. */
export function headerFields(request: AppRequest): Lists {
  const fields = new Map<string, string[]>([['Host', [request.host]]]);
  for (const [name, value] of request.headers) {
    const key = canonical(name);
    // Go keeps these two out of the header map.
    if (key === 'Host' || key === 'Transfer-Encoding') continue;
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  return sorted(fields);
}

/** The client's address; a proxy's word for it counts, whoever it comes from. */
export function origin(request: AppRequest): string {
  const [forwarded = ''] = headerValues(request, 'x-forwarded-for');
  const [first = ''] = forwarded.split(',', 1);
  return first.trim() || request.remoteAddress;
}

/** Query parameters or form fields. A pair with a semicolon or a bad escape is left out, as Go does. */
export function parseForm(text: string): Lists {
  const fields = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const name = decodeFormText(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodeFormText(equals < 0 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) continue;
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return sorted(fields);
}

/** The cookies of a request, by name; the last one of a name wins. */
export function cookies(request: AppRequest): Record<string, string> {
  const pairs = headerValues(request, 'cookie').flatMap((header) => header.split(';'));
  const found = pairs.flatMap((pair): [string, string][] => {
    const [name = '', ...rest] = pair.trim().split('=');
    return name === '' ? [] : [[name, rest.join('=').replace(/^"(.*)"$/, '$1')]];
  });
  return Object.fromEntries(found);
}

function urlOf(request: AppRequest): string {
  const [said = ''] = [
    ...headerValues(request, 'x-forwarded-proto'),
    ...headerValues(request, 'x-forwarded-protocol'),
  ];
  const secure = headerValues(request, 'x-forwarded-ssl')[0] === 'on';
  const scheme = said || (secure ? 'https' : 'http');
  const query = request.query === undefined ? '' : `?${request.query}`;
  return `${scheme}://${request.host}${request.path}${query}`;
}

/** `x-request-id` becomes `X-Request-Id`. */
function canonical(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
}

function decodeFormText(text: string): string | undefined {
  return percentDecode(text.replaceAll('+', ' '))?.toString('utf8');
}

function sorted(fields: ReadonlyMap<string, readonly string[]>): Lists {
  return Object.fromEntries([...fields].sort(([one], [other]) => (one < other ? -1 : 1)));
}
