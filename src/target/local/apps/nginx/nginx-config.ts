/** What the stand-in for nginx understands of a configuration, and what it says to the rest. */
import { HarnessError } from '../../../../base/errors.ts';
import { check, unknown } from './nginx-directives.ts';
import { type Directive, parseConfiguration, refused } from './nginx-syntax.ts';
import { knownVariables, type Maps, noMaps, unknownVariable, type VariableMap } from './nginx-variables.ts';

/** What holds for requests in one place: inherited from http to server to location. */
export interface Scope {
  readonly root: string;
  readonly index: readonly string[];
  readonly defaultType: string;
  readonly addHeaders: readonly { readonly name: string; readonly value: string; readonly always: boolean }[];
  /** Whether requests are in the log of the container. */
  readonly logged: boolean;
  readonly return?: { readonly code: number; readonly text: string };
  /** Variables of the configuration's own. */
  readonly maps: Maps;
}

export interface Location extends Scope {
  readonly path: string;
  readonly exact: boolean;
  readonly alias?: string;
  /** What is answered instead when a condition holds; the first one that does counts. */
  readonly conditions: readonly Condition[];
}

/** An `if` with a `return` in it. */
interface Condition {
  /** Name of a variable. */
  readonly variable: string;
  readonly value: string;
  readonly isNot: boolean;
  readonly scope: Scope;
}

export interface ServerBlock extends Scope {
  readonly listen: readonly {
    readonly address: string;
    readonly port: number;
    readonly isDefault: boolean;
  }[];
  readonly names: readonly string[];
  readonly locations: readonly Location[];
}

/** What the http block of the official image's nginx.conf says. */
const http: Scope = {
  root: 'html',
  index: ['index.html'],
  defaultType: 'application/octet-stream',
  addHeaders: [],
  logged: true,
  maps: noMaps,
};

/** The log files that the official image links to the standard output. */
const standardOutput = ['/dev/stdout', '/var/log/nginx/access.log', 'logs/access.log'];

/**
 * Reads the files that the http block of nginx.conf includes.
 *
 * @param files name → content, in the order in which nginx includes them
 * @throws HarnessError E_NOT_READY for what nginx would refuse, and for what the stand-in does not know
 */
export function readConfiguration(files: ReadonlyMap<string, string>): ServerBlock[] {
  const all = [...files].flatMap(([file, source]) =>
    parseConfiguration(source, file).map((directive) => ({ file, directive })),
  );
  const maps = new Map(
    all.flatMap(({ file, directive }) =>
      directive.name === 'map' && directive.block !== undefined ? [readMap(directive, file)] : [],
    ),
  );
  const outer: Scope = { ...http, maps };
  // Directives of http hold for servers in front of them too.
  for (const { file, directive } of all) check(directive, 'http', file, namesIn(outer));
  const scope = all
    .filter(({ directive }) => directive.block === undefined)
    .reduce((so, { file, directive }) => extend(so, directive, outer, file), outer);
  const servers = all
    .filter(({ directive }) => directive.name === 'server')
    .map(({ file, directive }) => readServer(directive, scope, file));
  const defaults = servers.flatMap(({ listen }) => listen.filter(({ isDefault }) => isDefault));
  const twice = repeated(defaults.map(({ address, port }) => `${address}:${port}`));
  if (twice === undefined) return servers;
  throw new HarnessError('E_NOT_READY', `nginx would not start: a duplicate default server for ${twice}`, {
    hint: 'Leave one default_server for this port.',
  });
}

function namesIn({ maps }: Scope): ReadonlySet<string> {
  return new Set(maps.keys());
}

/** Of an entry of a map what is no value, or one that is compared otherwise. */
const specialInMap = /^(?:hostnames|include|volatile)$|^~/;

/**
 * A variable that a configuration makes of others: `map $http_x $known { "" none; default some; }`.
 * Source: https://nginx.org/en/docs/http/ngx_http_map_module.html
 */
function readMap({ args, line, block = [] }: Directive, file: string): [string, VariableMap] {
  const [of = '', variable = ''] = args;
  const [, name] = /^\$(\w+)$/.exec(variable) ?? [];
  if (name === undefined) throw refused(`invalid variable name "${variable}"`, file, line);
  const values = new Map<string, string>();
  let otherwise = '';
  checkKnown(of, file, line);
  for (const entry of block) {
    const [value] = entry.args;
    if (specialInMap.test(entry.name))
      throw unknown(`${entry.name} in a map`, file, entry.line, 'values of a text');
    if (value === undefined || entry.args.length > 1 || entry.block !== undefined)
      throw refused('invalid number of the map parameters', file, entry.line);
    checkKnown(value, file, entry.line);
    const key = entry.name.replace(/^\\/, '').toLowerCase();
    if (entry.name === 'default') otherwise = value;
    else if (values.has(key)) throw refused(`conflicting parameter "${entry.name}"`, file, entry.line);
    else values.set(key, value);
  }
  return [name, { of, values, otherwise }];
}

/** Only of what a request is: so no variable is made of itself. */
function checkKnown(text: string, file: string, line: number): void {
  const stranger = unknownVariable(text);
  if (stranger !== undefined) throw unknown(`the variable ${stranger}`, file, line, knownVariables);
}

function readServer(server: Directive, inherited: Scope, file: string): ServerBlock {
  const directives = server.block ?? [];
  for (const each of directives) check(each, 'server', file, namesIn(inherited));
  const scope = readScope(directives, inherited, file);
  const all = (name: string) => directives.filter((each) => each.name === name);
  const listen = all('listen').map((each) => readListen(each, file));
  const locations = all('location').map((each) => readLocation(each, scope, file));
  const twice =
    repeated(listen.map(({ address, port }) => `listen ${address}:${port}`)) ??
    repeated(locations.map(({ exact, path }) => `location ${exact ? '= ' : ''}${path}`));
  if (twice !== undefined) throw refused(`duplicate ${twice}`, file, server.line);
  return {
    ...scope,
    listen: listen.length > 0 ? listen : [{ address: '*', port: 80, isDefault: false }],
    names: all('server_name').flatMap(({ args }) => args.map((name) => name.toLowerCase())),
    locations,
  };
}

function readLocation(location: Directive, inherited: Scope, file: string): Location {
  const directives = location.block ?? [];
  for (const each of directives) check(each, 'location', file, namesIn(inherited));
  const alias = directives.find(({ name }) => name === 'alias');
  if (alias && directives.some(({ name }) => name === 'root')) {
    throw refused('a location has "root" or "alias", not both', file, alias.line);
  }
  const [path = '', modifier] = location.args.toReversed();
  const scope = readScope(directives, inherited, file);
  // What comes behind a `return` is never reached.
  const end = directives.findIndex(({ name }) => name === 'return');
  const reached = end < 0 ? directives : directives.slice(0, end);
  const conditions = reached
    .filter(({ name }) => name === 'if')
    .map((each) => readCondition(each, scope, file));
  const place = { ...scope, path, exact: modifier === '=', conditions };
  return alias ? { ...place, alias: alias.args[0]! } : place;
}

/** Source: https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#if */
function readCondition({ args, line, block = [] }: Directive, inherited: Scope, file: string): Condition {
  const written = args.join(' ');
  const [, variable = '', sign = '', value = ''] = /^\(\s*\$(\w+) (!?=) (.*?)\s*\)$/.exec(written) ?? [];
  const knows = `if ($VARIABLE = VALUE) and if ($VARIABLE != VALUE) with ${knownVariables}`;
  if (variable === '' || unknownVariable(`$${variable}`, namesIn(inherited)) !== undefined)
    throw unknown(`if ${written}`, file, line, knows);
  for (const each of block) check(each, 'if', file, namesIn(inherited));
  const { return: _, ...open } = inherited;
  const scope = readScope(block, open, file);
  if (scope.return === undefined) throw unknown('an if without a return', file, line, knows);
  return { variable, value, isNot: sign === '!=', scope };
}

function readScope(directives: readonly Directive[], inherited: Scope, file: string): Scope {
  return directives.reduce((so, each) => extend(so, each, inherited, file), inherited);
}

function extend(so: Scope, directive: Directive, inherited: Scope, file: string): Scope {
  return { ...so, ...setting(directive, so, inherited, file) };
}

/** What one directive sets. */
function setting({ name, args, line }: Directive, so: Scope, inherited: Scope, file: string): Partial<Scope> {
  const [first = '', second, third] = args;
  switch (name) {
    case 'root':
      return { root: first };
    case 'index':
      return { index: args };
    case 'default_type':
      return { defaultType: first };
    case 'add_header': {
      // The headers of the level above hold only where there are none.
      const before = so.addHeaders === inherited.addHeaders ? [] : so.addHeaders;
      return { addHeaders: [...before, { name: first, value: second ?? '', always: third === 'always' }] };
    }
    case 'access_log':
      return { logged: standardOutput.includes(first) };
    case 'return': {
      const found = readReturn(args, file, line);
      // Only the first one is ever reached.
      return so.return ? {} : { return: found };
    }
    default:
      return {};
  }
}

function readReturn(args: readonly string[], file: string, line: number): { code: number; text: string } {
  const [first = '', text = ''] = args;
  if (args.length === 1 && /^https?:\/\//.test(first)) return { code: 302, text: first };
  if (!/^[2-9]\d\d$/.test(first)) throw refused(`invalid return code "${first}"`, file, line);
  return { code: Number(first), text };
}

function readListen({ args, line }: Directive, file: string): ServerBlock['listen'][number] {
  const [where = '', ...parameters] = args;
  const [, address = '*', digits = ''] = /^(?:(\*|0\.0\.0\.0|\[::\]):)?(\d+)$/.exec(where) ?? [];
  const port = Number(digits);
  if (port < 1 || port > 65_535) {
    throw unknown(`listen ${where}`, file, line, 'a port, with * or [::] in front or nothing: listen 80');
  }
  const odd = parameters.find((each) => each !== 'default_server');
  if (odd !== undefined) throw unknown(`listen … ${odd}`, file, line, 'only the parameter default_server');
  return { address: address === '0.0.0.0' ? '*' : address, port, isDefault: parameters.length > 0 };
}

function repeated(keys: readonly string[]): string | undefined {
  return keys.find((key, index) => keys.indexOf(key) !== index);
}
