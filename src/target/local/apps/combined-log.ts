/** The access log format "combined", which nginx writes by default. */
import { type Answer, type AppRequest, headerValues, sentBytes } from './app-request.ts';

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** One line, in UTC as containers have it. */
export function combined(request: AppRequest, answer: Answer): string {
  const [referer = '-'] = headerValues(request, 'referer');
  const [agent = '-'] = headerValues(request, 'user-agent');
  const line = escaped(request.line);
  const result = `${answer.status} ${sentBytes(request, answer)}`;
  return `${request.remoteAddress} - - [${localTime(new Date())}] "${line}" ${result} "${escaped(referer)}" "${escaped(agent)}"`;
}

/** As $time_local: 22/Nov/2026:10:00:00 +0000 */
function localTime(date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

/** nginx writes quotes, backslashes and what is not printable ASCII as \xHH. Node gives one character for each byte. */
function escaped(text: string): string {
  return text.replaceAll(/["\\]|[^\x20-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}
