/** The directives of nginx that the stand-in knows, and where nginx allows them. */
import { HarnessError } from '../../../../base/errors.ts';
import { type Directive, refused } from './nginx-syntax.ts';
import { knownVariables, unknownVariable } from './nginx-variables.ts';

export type Context = 'http' | 'server' | 'location' | 'if';

interface Known {
  readonly in: readonly Context[];
  /** The least and the largest number of arguments. */
  readonly args: readonly [number, number];
  readonly block?: boolean;
  /** Whether `$name` in its arguments is a variable to nginx, and whether the stand-in fills it in. */
  readonly variables?: 'filled in' | 'unknown';
}

const everywhere: readonly Context[] = ['http', 'server', 'location'];
const noEffect: Known = { in: everywhere, args: [1, 99] };

const known: Readonly<Record<string, Known>> = {
  // What is in its block are values, and no directives: nginx-maps.ts.
  map: { in: ['http'], args: [2, 2], block: true },
  server: { in: ['http'], args: [0, 0], block: true },
  listen: { in: ['server'], args: [1, 99] },
  server_name: { in: ['server'], args: [1, 99], variables: 'unknown' },
  location: { in: ['server'], args: [1, 2], block: true },
  root: { in: everywhere, args: [1, 1], variables: 'unknown' },
  alias: { in: ['location'], args: [1, 1], variables: 'unknown' },
  index: { in: everywhere, args: [1, 99], variables: 'unknown' },
  default_type: { in: everywhere, args: [1, 1] },
  return: { in: ['server', 'location', 'if'], args: [1, 2], variables: 'filled in' },
  if: { in: ['location'], args: [1, 99], block: true },
  add_header: { in: [...everywhere, 'if'], args: [2, 3], variables: 'filled in' },
  access_log: noEffect,
  // These change nothing that the stand-in has.
  charset: noEffect,
  error_log: noEffect,
  gzip: noEffect,
  keepalive_timeout: noEffect,
  sendfile: noEffect,
};

/** Those that may stand once in a block. */
const once = ['root', 'alias', 'default_type'];

/** Makes the error for what nginx knows and the stand-in does not. @param knows what to write instead */
export function unknown(what: string, file: string, line: number, knows: string): HarnessError {
  const message = `the stand-in for nginx on target local does not know ${what} (file ${file}, line ${line})`;
  return new HarnessError('E_NOT_READY', `${message}; it knows ${knows}`, {
    hint: 'Write it with what the stand-in knows, or run on target kind, which has the real nginx.',
  });
}

/**
 * Checks one directive, but not those in its block.
 *
 * @param own variables that the configuration gives a value
 * @throws HarnessError E_NOT_READY with file and line
 */
export function check(directive: Directive, context: Context, file: string, own: ReadonlySet<string>): void {
  const { name, args, line, block } = directive;
  const entry = Object.hasOwn(known, name) ? known[name] : undefined;
  if (entry === undefined) {
    throw unknown(`the directive ${name}`, file, line, Object.keys(known).sort().join(', '));
  }
  // nginx has locations within locations.
  if (name === 'location' && context === 'location') {
    throw unknown('a location within a location', file, line, 'locations of a server');
  }
  if (!entry.in.includes(context)) throw refused(`"${name}" directive is not allowed here`, file, line);
  if (entry.block && !block) throw refused(`directive "${name}" has no opening "{"`, file, line);
  if (!entry.block && block) throw refused(`directive "${name}" is not terminated by ";"`, file, line);
  const [least, most] = entry.args;
  if (args.length < least || args.length > most) {
    throw refused(`invalid number of arguments in "${name}" directive`, file, line);
  }
  checkVariables(entry, args, file, line, own);
  checkArguments(directive, file);
  for (const single of once) {
    const [, second] = (block ?? []).filter((each) => each.name === single);
    if (second) throw refused(`"${single}" directive is duplicate`, file, second.line);
  }
}

function checkVariables(
  { variables }: Known,
  args: readonly string[],
  file: string,
  line: number,
  own: ReadonlySet<string>,
): void {
  if (variables === 'unknown') {
    const found = args.find((each) => each.includes('$'));
    if (found !== undefined) throw unknown(`variables, as in ${found}`, file, line, 'plain text only');
  }
  if (variables === 'filled in') {
    const found = args.map((each) => unknownVariable(each, own)).find((each) => each !== undefined);
    if (found !== undefined) throw unknown(`the variable ${found}`, file, line, knownVariables);
  }
}

function checkArguments({ name, args, line }: Directive, file: string): void {
  if (name === 'server_name') {
    const pattern = args.find((each) => each.startsWith('~'));
    if (pattern !== undefined)
      throw unknown(`the pattern ${pattern}`, file, line, 'names, *.name and name.*');
  }
  if (name === 'location') {
    const modifier = args.length === 2 ? args[0]! : '';
    const [path = ''] = args.slice(-1);
    if (!['', '=', '^~'].includes(modifier) || /^[~@]/.test(path)) {
      throw unknown(
        `location ${args.join(' ')}`,
        file,
        line,
        'location PATH, location = PATH and location ^~ PATH',
      );
    }
  }
  if (name === 'add_header') {
    if (args.length === 3 && args[2] !== 'always')
      throw refused(`invalid parameter "${args[2]}"`, file, line);
    // nginx sends anything; Node, and proxies, refuse what is no header.
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(args[0]!) || /[^\t\x20-\x7e]/.test(args[1]!)) {
      throw unknown(`the header ${JSON.stringify(args[0])}`, file, line, 'headers in printable ASCII');
    }
  }
}
