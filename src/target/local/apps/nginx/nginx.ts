/** Stands in for nginx: static files and fixed answers, by the files in /etc/nginx/conf.d. */
import { HarnessError } from '../../../../base/errors.ts';
import type { App } from '../app-request.ts';
import { combined } from '../combined-log.ts';
import { respond } from './nginx-answer.ts';
import { readConfiguration } from './nginx-config.ts';
import type { Mounts } from './nginx-files.ts';

const folder = '/etc/nginx/conf.d';

/** Volumes that would change what the stand-in does not read. */
const unread = ['/etc/nginx', '/etc/nginx/nginx.conf', '/etc/nginx/templates'];

/** What the official image has in conf.d, as far as it matters. */
const imageConfiguration = 'server { listen 80; server_name localhost; root /usr/share/nginx/html; }';

/**
 * Reads the configuration once, as nginx does when it starts; a changed one needs a new start.
 *
 * @param mounts gives the files of this moment: what is served is looked up at each request
 * @throws HarnessError E_NOT_READY for a configuration that cannot be had
 */
export function nginx(mounts: () => Mounts): App {
  const servers = readConfiguration(configurationFiles(mounts()));
  return {
    ports: servers.flatMap(({ listen }) => listen.map(({ port }) => port)),
    handle: (request) => respond(servers, mounts(), request),
    logLine: combined,
  };
}

function configurationFiles(mounts: Mounts): ReadonlyMap<string, string> {
  const other = unread.find((path) => mounts.has(path));
  if (other !== undefined) {
    const message = `the stand-in for nginx on target local does not read a volume at ${other}`;
    const hint = `Mount server blocks at ${folder}, or run on target kind, which has the real nginx.`;
    throw new HarnessError('E_NOT_READY', message, { hint });
  }
  const files = mounts.get(folder);
  if (files === undefined) return new Map([['default.conf', imageConfiguration]]);
  // As nginx includes *.conf: no hidden files, no folders, in alphabetical order.
  const names = [...files.keys()].filter((name) => /^[^./][^/]*\.conf$/.test(name)).sort();
  return new Map(names.map((name) => [name, files.get(name)!]));
}
