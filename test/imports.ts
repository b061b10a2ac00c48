/** Finds imports that go against the direction in which the parts of the product may know each other. */
import { posix } from 'node:path';

/**
 * For each part of src, what it may import besides its own folder. A folder ends with `/`; `type:` before a path
 * means that only types may come from there.
 */
export const rules: Readonly<Record<string, readonly string[]>> = {
  // Vocabulary for all: errors, events, names, files and waiting.
  'base/': [],
  'scenario/': ['base/'],
  'plan/': ['base/', 'scenario/'],
  'policy/': ['base/', 'type:target/target.ts'],
  'explain/': ['base/', 'policy/', 'type:run/explain/predict.ts', 'type:target/target.ts'],
  'mutate/': [
    'base/',
    'explain/',
    'policy/',
    'report/mutation.ts',
    'run/explain/agrees.ts',
    'run/explain/hops.ts',
    'run/explain/predict.ts',
    'run/proof/way.ts',
    'scenario/table.ts',
    'type:plan/types.ts',
    'type:run/in-place.ts',
    'type:scenario/format/schema.ts',
    'type:target/target.ts',
  ],
  'token/': [
    'base/',
    'scenario/format/algorithms.ts',
    'scenario/format/schema.ts',
    'scenario/format/mutations.ts',
  ],
  'jwks/': ['base/', 'type:target/target.ts'],
  'programs/': ['base/'],
  'settings/': ['base/', 'type:programs/versions.ts'],
  'init/': [
    'base/',
    'explain/find-workload.ts',
    'explain/world.ts',
    'policy/',
    'report/mutation.ts',
    'run/explain/hops.ts',
    'run/proof/way.ts',
    'scenario/',
    'type:mutate/',
    'type:target/target.ts',
  ],
  'kube/': ['base/', 'type:target/target.ts'],
  'target/': ['base/', 'kube/', 'jwks/', 'policy/', 'programs/'],
  'run/': ['base/', 'policy/', 'scenario/', 'plan/', 'token/', 'jwks/', 'target/target.ts'],
  'report/': ['base/'],
  // From settings to a run; the command line, programs and Vitest start it.
  'engine/': [
    'base/',
    'explain/',
    'jwks/',
    'kube/',
    'mutate/',
    'plan/',
    'programs/',
    'report/',
    'run/',
    'scenario/',
    'settings/',
    'target/',
    'token/',
  ],
  'cli/': ['*'],
  'api/': ['base/', 'engine/', 'report/', 'run/keys/key-ring.ts', 'scenario/', 'settings/'],
  'vitest-plugin/': ['api/', 'base/', 'engine/', 'plan/', 'run/', 'scenario/', 'type:settings/settings.ts'],
};

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** By `import()`, so that it is loaded when it is needed. */
  readonly isDynamic: boolean;
  readonly line: number;
}

/** The import, export-from and dynamic import statements of a source file that name another module. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const found: Import[] = [];
  const collect = (pattern: RegExp, typeOnly: (clause: string) => boolean, isDynamic = false) => {
    for (const match of code.matchAll(pattern)) {
      const line = code.slice(0, match.index + match[0].search(/\S/)).split('\n').length;
      found.push({
        specifier: match.groups!.specifier!,
        typeOnly: typeOnly(match.groups!.clause ?? ''),
        isDynamic,
        line,
      });
    }
  };
  const specifier = String.raw`\s*['"](?<specifier>[^'"\n]+)['"]`;
  collect(
    new RegExp(String.raw`^\s*(?:import|export)\b(?<clause>[^'"\x60;=()]*?)\bfrom${specifier}`, 'gm'),
    isTypeOnly,
  );
  collect(new RegExp(String.raw`^\s*import${specifier}`, 'gm'), () => false);
  collect(new RegExp(String.raw`\bimport\s*\(${specifier}`, 'g'), () => false, true);
  return found.sort((one, other) => one.line - other.line);
}

/** Whether a clause such as `type { A }` or `{ type A, type B }` brings in nothing that exists when running. */
function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b/.test(clause)) return true;
  const names = /^\s*\{(.*)\}\s*$/s
    .exec(clause)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names !== undefined && names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

/** Comments replaced by spaces; lines keep their numbers. Strings are left as they are. */
function withoutComments(source: string): string {
  return source.replaceAll(
    /(['"`])(?:\\.|(?!\1)[^\\])*?\1|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (match, quote: string | undefined) => (quote === undefined ? match.replaceAll(/[^\n]/g, ' ') : match),
  );
}

/**
 * Checks files against {@link rules}.
 *
 * @param files paths relative to src, with `/`, and their sources
 * @returns one line for each import that is not allowed: `path:line imports what: why`
 */
export function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, source]) => {
    const part = partOf(path);
    const allowed = rules[part];
    if (allowed === undefined) return [`${path}: test/imports.ts has no rule for ${part}`];
    return importsOf(source)
      .filter((each) => each.specifier.startsWith('.'))
      .flatMap((each) => {
        const target = posix.join(posix.dirname(path), each.specifier);
        const why = refusal(part, allowed, target, each.typeOnly);
        return why === undefined ? [] : [`${path}:${each.line} imports ${target}: ${why}`];
      });
  });
}

/** Files that import each other by some way, types too: none of them can be understood without the others. */
export function circles(files: ReadonlyMap<string, string>): string[] {
  const imports = new Map(
    [...files].map(([path, source]) => [
      path,
      importsOf(source)
        .map(({ specifier }) => posix.join(posix.dirname(path), specifier))
        .filter((target) => files.has(target)),
    ]),
  );
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (state.get(path) === 'open') found.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (state.has(path)) return;
    state.set(path, 'open');
    for (const target of imports.get(path) ?? []) visit(target, [...way, path]);
    state.set(path, 'done');
  };
  for (const path of files.keys()) visit(path, []);
  return found;
}

/**
 * Small files that belong into the only file that imports them: one thing is then read in one place. What is loaded only
 * when it is needed stays by itself, and so does what would make its user long.
 */
export function strays(files: ReadonlyMap<string, string>): string[] {
  const users = new Map<string, Map<string, boolean>>();
  for (const [path, source] of files) {
    for (const { specifier, isDynamic } of importsOf(source)) {
      const target = posix.join(posix.dirname(path), specifier);
      const of = users.get(target) ?? new Map<string, boolean>();
      users.set(target, of.set(path, isDynamic || of.get(path) === true));
    }
  }
  const lines = (path: string) => (files.get(path) ?? '').split('\n').length - 1;
  return [...files.keys()].flatMap((path) => {
    const [only, ...others] = users.get(path) ?? [];
    if (only === undefined || others.length > 0) return [];
    const [user, isDynamic] = only;
    // What is loaded as it is, such as into a process of its own, is .mjs.
    if (isDynamic || !path.endsWith('.ts') || !user.endsWith('.ts')) return [];
    const fits = lines(path) < 60 && lines(path) + lines(user) <= 300;
    return fits ? [`${path} belongs into ${user}`] : [];
  });
}

function partOf(path: string): string {
  return path.includes('/') ? `${path.split('/')[0]}/` : path;
}

function refusal(
  part: string,
  allowed: readonly string[],
  target: string,
  typeOnly: boolean,
): string | undefined {
  if (allowed.includes('*') || (part.endsWith('/') && target.startsWith(part))) return undefined;
  if (target.startsWith('../')) return 'it is outside of src';
  const matches = (rule: string) => (rule.endsWith('/') ? target.startsWith(rule) : target === rule);
  if (allowed.some(matches)) return undefined;
  const types = allowed.some((rule) => rule.startsWith('type:') && matches(rule.slice('type:'.length)));
  if (types) return typeOnly ? undefined : 'only types may come from there';
  return `${part} may import ${allowed.join(', ') || 'nothing'}`;
}
