/** Which paths and methods are worth trying on a set of policies, and with which host. */
import { matchesPath } from '../policy/patterns.ts';
import { pathFor, textFor } from './match.ts';
import { isAccess, type Policy, type Rule } from './policy.ts';

type Operation = NonNullable<Rule['to']>[number]['operation'];

/** More would make a table that nobody reads. */
const mostPaths = 12;

/** For each pattern of the policies a path that it matches, and one path that none of them does. */
export function pathsFor(policies: readonly Policy[]): string[] {
  const patterns = operations(policies).flatMap(({ paths = [], notPaths = [] }) => [...paths, ...notPaths]);
  if (patterns.length === 0) return ['/'];
  const other = ['/anything-else', '/'].find(
    (path) => !patterns.some((pattern) => matchesPath(pattern, path)),
  );
  // To scenarios ${ begins a template, and in names of rows it cannot be written otherwise.
  const paths = patterns.map(pathFor).filter((path) => !path.includes('${'));
  return [...new Set([...paths, ...(other === undefined ? [] : [other])])].slice(0, mostPaths);
}

/** GET, and what the policies name. */
export function methodsFor(policies: readonly Policy[]): string[] {
  const named = operations(policies).flatMap(({ methods = [], notMethods = [] }) => [
    ...methods,
    ...notMethods,
  ]);
  const usable = named
    .map((each) => each.toUpperCase())
    .filter((each) => /^[A-Z]+$/.test(each) && each !== 'CONNECT');
  return [...new Set(['GET', ...usable])];
}

/** A host that policies name, for requests through the gateway. */
export function hostFor(policies: readonly Policy[]): string {
  const [named] = operations(policies).flatMap(({ hosts = [] }) => hosts);
  if (named === undefined || named === '*') return 'gateway.example.com';
  return textFor(named).toLowerCase().replace(/:\d+$/, '').replace(/^\./, 'x.');
}

function operations(policies: readonly Policy[]): Operation[] {
  const rules = policies.filter(isAccess).flatMap((policy) => policy.rules);
  return rules.flatMap(({ to = [] }) => to.map(({ operation }) => operation));
}
