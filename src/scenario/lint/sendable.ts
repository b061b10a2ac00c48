/** Whether a request can be sent as it is written: what ends a line or a text would make two headers of one, or another request. */
import type { CellRequest } from '../table.ts';
import { parseTemplate } from '../template-parse.ts';

/** What is wrong about a part of a request. */
export interface Unsendable {
  readonly part: 'url' | 'path' | 'host' | 'headers' | 'http' | 'upgrade' | 'before';
  /** The name of the header that it is about, as it is written. */
  readonly header?: string;
  /** Whether it is about the name of the header. */
  readonly isName?: boolean;
  readonly message: string;
  readonly hint: string;
}

/** A token of RFC 9110, section 5.6.2: what a header may be called. */
const fieldName = /^[\w!#$%&'*+.^`|~-]+$/;

/** Whether a header can be called so. */
export function isHeaderName(name: string): boolean {
  return fieldName.test(name);
}

/** What RFC 9110, section 5.5 forbids in values, and says to refuse. */
const endsValue = /[\r\n\0]/;

/** What ends an address in a request (RFC 9112, section 3): a blank, or a control character. */
const endsAddress = /[\p{Cc} ]/u;

/**
 * The first mistake of a request; undefined when it can be sent.
 *
 * @param isFilledIn false while `${…}` are still in it, which are then not looked at
 */
export function unsendable(
  request: Pick<CellRequest, 'url' | 'path' | 'host' | 'headers'> & Partial<CellRequest>,
  isFilledIn: boolean,
): Unsendable | undefined {
  const known = (text: string) => (isFilledIn ? text : literal(text));
  const { url = '', path, host = '', headers } = request;
  for (const [part, text] of Object.entries({ url, path } as const)) {
    const [found] = endsAddress.exec(known(text)) ?? [];
    if (found === undefined) continue;
    const hint = `Write it as %${hex(found)}, as browsers and curl send it.`;
    return { part: part as 'url' | 'path', message: `the ${part} has ${nameOf(found)} in it`, hint };
  }
  if (isFilledIn || !url.includes('${')) {
    const mistake = wrongAddress(url);
    if (mistake !== undefined) return { part: 'url', ...mistake };
  }
  const all = [['Host', host] as const, ...headers];
  for (const [index, [name, value]] of all.entries()) {
    const where = index === 0 ? ({ part: 'host' } as const) : ({ part: 'headers', header: name } as const);
    const written = known(name);
    if (!isHeaderName(written) && (isFilledIn || written !== '' || name === '')) {
      const hint = "Use letters, digits, hyphens and the signs !#$%&'*+.^_`|~.";
      return { ...where, isName: true, message: `"${name}" cannot be the name of a header`, hint };
    }
    const [found] = endsValue.exec(known(value)) ?? [];
    if (found === undefined) continue;
    const message = `the header "${name}" has ${nameOf(found)} in its value`;
    return { ...where, message, hint: 'Remove it: nothing could send it as one header.' };
  }
  if (all.filter(([name, value]) => name.toLowerCase() === 'host' && value !== '').length > 1) {
    const own = headers.find(([name]) => name.toLowerCase() === 'host');
    const hint = 'Keep one: a request has one host (RFC 9112, section 3.2).';
    const message = 'the request has "Host" twice';
    return { part: 'headers', ...(own === undefined ? {} : { header: own[0] }), isName: true, message, hint };
  }
  const ofConnection = headers.find(
    ([name, value]) =>
      ofConnections.includes(name.toLowerCase()) ||
      (name.toLowerCase() === 'te' && !/^(trailers|.*\$\{.*)$/s.test(value)),
  );
  if (request.http === '2' && ofConnection !== undefined) {
    const [name, value] = ofConnection;
    const message = `HTTP/2 has no header "${name}: ${value}"`;
    const hint = 'Remove it, or "http": it is about a connection of HTTP/1.1.';
    return { part: 'headers', header: name, message, hint };
  }
  return impossible(request);
}

/** Of what stands in front of the path; undefined for none, and for what is no address at first sight. */
function wrongAddress(url: string): { message: string; hint: string } | undefined {
  if (!/^https?:\/\//.test(url)) return undefined;
  const [found] = /[?#]/.exec(url) ?? [];
  if (found !== undefined) {
    const hint = 'The path would come behind it. Put a query into the path, such as "/headers?page=1".';
    return { message: `the address has "${found}" in it`, hint };
  }
  if (URL.canParse(url)) return undefined;
  return { message: `"${url}" is not an address`, hint: 'Write it like http://httpbin.foo:8000.' };
}

/** What HTTP/2 has no place for (RFC 9113, section 8.2.2). */
const ofConnections = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

/** What one version of HTTP has, and another one has not. */
function impossible({ http = '1.1', absoluteForm, upgrade, before, method }: Partial<CellRequest>) {
  const no = (part: Unsendable['part'], message: string, hint: string) => ({ part, message, hint });
  if (http === '2' && absoluteForm === true)
    return no('http', 'HTTP/2 has no request line, so none in absolute form', 'Remove one of both.');
  if (http !== '1.1' && upgrade !== undefined)
    return no('http', `there is no upgrade in HTTP/${http}`, 'Remove "http", or "upgrade".');
  if (http !== '1.1' && before !== undefined)
    return no(
      'before',
      'one request after another is for connections of HTTP/1.1',
      'Remove "http", or "before".',
    );
  if (upgrade !== undefined && before !== undefined)
    return no('before', 'after the answer to an upgrade the connection is of no use', 'Remove one of both.');
  if (upgrade !== undefined && method !== undefined && method !== 'GET')
    return no('upgrade', `an upgrade is asked for by GET, not by ${method}`, 'Remove the method.');
  return undefined;
}

/** The text without its expressions. */
export function literal(text: string): string {
  return parseTemplate(text)
    .map((part) => (part.kind === 'text' ? part.text : ''))
    .join('');
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}

function nameOf(character: string): string {
  if (character === ' ') return 'a blank';
  if (/[\r\n]/.test(character)) return 'a line break';
  return `the control character U+00${hex(character)}`;
}
