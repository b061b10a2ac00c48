/** Variables of nginx that the stand-in knows: those that say what a request is. */
import { type AppRequest, headerValues } from '../app-request.ts';

/** What a variable is, by the value of a text. */
export interface VariableMap {
  /** With variables in it. */
  readonly of: string;
  /** By the value of the text in lower case, as nginx compares it. */
  readonly values: ReadonlyMap<string, string>;
  readonly otherwise: string;
}

/** By the name of the variable, without `$`. */
export type Maps = ReadonlyMap<string, VariableMap>;

export const noMaps: Maps = new Map();

/** The host of a request as nginx compares it: in lower case, without port and without the dot at the end. */
export function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

/** What the stand-in knows, for messages. */
export const knownVariables = '$host, $http_NAME, $request_method, $request_uri';

const reference = /\$(\w+|\{\w+\})/g;

/**
 * The first variable in a text that the stand-in does not know.
 *
 * @param own names that the configuration gives
 */
export function unknownVariable(text: string, own: ReadonlySet<string> = new Set()): string | undefined {
  return [...text.matchAll(reference)]
    .map(([written, name = '']) => ({ written, name: bare(name) }))
    .find(({ name }) => !own.has(name) && !/^(host|request_method|request_uri|http_\w+)$/.test(name))
    ?.written;
}

/** The text with the values for this request. Source: https://nginx.org/en/docs/http/ngx_http_core_module.html#variables */
export function withVariables(text: string, request: AppRequest, maps: Maps = noMaps): string {
  return text.replaceAll(reference, (_, name: string) => variableValue(bare(name), request, maps));
}

/** @param name without `$` */
export function variableValue(name: string, request: AppRequest, maps: Maps): string {
  const map = maps.get(name);
  if (map !== undefined) {
    const value = withVariables(map.of, request).toLowerCase();
    return withVariables(map.values.get(value) ?? map.otherwise, request);
  }
  if (name === 'host') return hostName(request.host);
  if (name === 'request_method') return request.method;
  if (name === 'request_uri')
    return request.query === undefined ? request.path : `${request.path}?${request.query}`;
  return headerValues(request, name.replace(/^http_/, '').replaceAll('_', '-')).join(', ');
}

function bare(name: string): string {
  return name.replace(/^\{(.*)\}$/, '$1');
}
