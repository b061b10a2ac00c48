/** Which server and which location of a configuration a request belongs to. */
import type { Location, ServerBlock } from './nginx-config.ts';
import { hostName } from './nginx-variables.ts';

/**
 * The server with this name, else the longest `*.name`, else the longest `name.*`, else the default server of the port.
 * Source: https://nginx.org/en/docs/http/server_names.html
 *
 * @param port that the container would listen on; one of the servers must listen there
 */
export function chooseServer(servers: readonly ServerBlock[], port: number, host: string): ServerBlock {
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
export function chooseLocation(locations: readonly Location[], uri: string): Location | undefined {
  return locations
    .filter(({ exact, path }) => (exact ? path === uri : uri.startsWith(path)))
    .sort((one, other) => Number(other.exact) - Number(one.exact) || other.path.length - one.path.length)[0];
}
