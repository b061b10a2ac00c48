import type { FetchLogEntry } from '../target/target.ts';
import { whoFetched } from './who.ts';

// $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent",
// as nginx's "combined" has it. nginx writes a quote within a value as \x22. Its official image appends a quoted
// X-Forwarded-For, and logs of pods may have the time of each line in front.
const line = /^(?:(\d{4}-\d\d-\d\dT\S+) )?(\S+) - .*? \[([^\]]+)\] "([^"]*)" (\d{3}) \S+ "[^"]*" "([^"]*)"/;
const localTime = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$/;
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/**
 * Reads the requests for one path out of an nginx access log in the format "combined". Other lines, such as those that nginx
 * writes when it starts, are left out.
 *
 * @param text the log; lines may begin with the RFC 3339 time that Kubernetes adds when asked for timestamps
 * @param path without a query; requests with a query count
 * @returns oldest first as logged. `at` has whole seconds only, rounded down, unless lines begin with a time:
 * compare it with a start that is rounded down too.
 */
export function parseAccessLog(text: string, path: string): FetchLogEntry[] {
  return text.split('\n').flatMap((each) => {
    const [, stamp, remote, local = '', request = '', status, agent = ''] = line.exec(each) ?? [];
    const at = stamp === undefined ? parseLocalTime(local) : Date.parse(stamp);
    const [, target = ''] = request.split(' ');
    if (Number.isNaN(at) || target.split('?', 1)[0] !== path) return [];
    const userAgent = agent === '-' ? '' : agent;
    return [{ at, path, status: Number(status), by: whoFetched({ userAgent }), userAgent, remote }];
  });
}

/** `$time_local`, such as 22/Nov/2026:10:00:00 +0100, in milliseconds since the epoch; NaN for anything else. */
function parseLocalTime(text: string): number {
  const [, day, month = '', year, time, hours, minutes] = localTime.exec(text) ?? [];
  const number = String(months.indexOf(month) + 1).padStart(2, '0');
  return Date.parse(`${year}-${number}-${day}T${time}${hours}:${minutes}`);
}
