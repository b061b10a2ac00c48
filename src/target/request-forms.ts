/** What is the same about a request for everybody who sends it: its headers, its target, and what became of its connection. */
import type { HttpRequest } from './target.ts';

/** The header lines that a request is sent with: its own user agent, unless the id is empty, and those of an upgrade. */
export function headersOf(request: HttpRequest): [string, string][] {
  const own = request.headers.map(([name, value]): [string, string] => [name, value]);
  const has = (name: string) => own.some(([each]) => each.toLowerCase() === name);
  const agent: [string, string][] =
    request.id === '' || has('user-agent') ? [] : [['User-Agent', request.id]];
  return [...own, ...agent, ...(request.upgrade === undefined ? [] : upgradeHeaders)];
}

/** Of a client's handshake (RFC 6455, section 4.1). The key is no secret; this one is that of the RFC. */
const upgradeHeaders: [string, string][] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];

/** Whether the connection speaks another protocol from now on. */
export function isUpgraded(status: number): boolean {
  return status === 101;
}

/**
 * The target of a request in absolute form (RFC 9112, section 3.2.2).
 *
 * @param url where it is sent. A gateway is asked for the host that the request names, and by its own address without one.
 */
export function absoluteTarget({ url: path, headers }: HttpRequest, url: string): string {
  if (/^https?:/i.test(path)) return path.replace(/#.*$/s, '');
  const host = headers.findLast(([name]) => name.toLowerCase() === 'host')?.[1];
  const { protocol, host: own } = new URL(url);
  return `${protocol}//${host ?? own}${path}`;
}

/** In place of an answer that says nothing about requests on one connection. */
export const otherConnection = {
  status: 0,
  headers: {},
  body: '',
  error: 'the connection was closed after the request before it, so this one went over another connection',
};
