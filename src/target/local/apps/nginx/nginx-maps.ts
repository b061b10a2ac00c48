/**
 * Variables that a configuration makes of others: `map $http_x $known { "" none; default some; }`.
 * Source: https://nginx.org/en/docs/http/ngx_http_map_module.html
 */
import { unknown } from './nginx-directives.ts';
import { type Directive, refused } from './nginx-syntax.ts';
import { knownVariables, unknownVariable, type VariableMap } from './nginx-variables.ts';

/** Of an entry what is no value, or one that is compared otherwise. */
const special = /^(?:hostnames|include|volatile)$|^~/;

/** @throws HarnessError E_NOT_READY for what nginx would refuse, and for what the stand-in does not know */
export function readMap({ args, line, block = [] }: Directive, file: string): [string, VariableMap] {
  const [of = '', variable = ''] = args;
  const [, name] = /^\$(\w+)$/.exec(variable) ?? [];
  if (name === undefined) throw refused(`invalid variable name "${variable}"`, file, line);
  const values = new Map<string, string>();
  let otherwise = '';
  checkKnown(of, file, line);
  for (const entry of block) {
    const [value] = entry.args;
    if (special.test(entry.name))
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
