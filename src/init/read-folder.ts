/** Kubernetes objects out of files: YAML or JSON, several documents in a file, lists. */
import { readdirSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { HarnessError } from '../base/errors.ts';
import { lookAt, readLimited, whyUnreadable } from '../base/files/limited-file.ts';
import { limits } from '../base/files/limits.ts';
import { excessOf, expandedExcess, sameKey } from '../base/files/yaml-bounds.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { nameOfError } from '../base/names.ts';

const passedOver = ['node_modules', '.git'];

/** What is in a file. */
export interface ReadFile {
  /** Absolute. */
  readonly path: string;
  /** As messages name it. */
  readonly shown: string;
  readonly objects: readonly KubeObject[];
  /** What could not be read, a line each. */
  readonly warnings: readonly string[];
}

export interface Read {
  readonly files: readonly ReadFile[];
  /** Of all files. */
  readonly objects: readonly KubeObject[];
  /** What could not be read, a line each. */
  readonly warnings: readonly string[];
}

/**
 * All objects of a file, or of the files in a folder and in those below it. Files that are no YAML, such as templates of
 * Helm, are passed over with a warning.
 *
 * @throws HarnessError E_USAGE for a path that cannot be read, or has too many files
 */
export function readFolder(path: string, cwd: string): Read {
  const start = resolve(cwd, path);
  const files = filesIn(start, path).map((file): ReadFile => {
    const shown = relative(cwd, file) || basename(file);
    return { path: file, shown, ...readFile(file, shown) };
  });
  const warnings = files.flatMap((file) => file.warnings);
  const built = files
    .filter((file) => /^kustomization\.ya?ml$/.test(basename(file.path)))
    .map(({ shown }) => dirname(shown));
  const [first, ...more] = built;
  if (first !== undefined && more.length === 0)
    warnings.push(
      `${first} has a kustomization, which is not built: for what it makes, save "kubectl kustomize ${first}" to a file and name that`,
    );
  if (more.length > 0)
    warnings.push(
      `${built.join(', ')} have kustomizations, which are not built: for what one of them makes, save "kubectl kustomize FOLDER" to a file and name that`,
    );
  return { files, objects: files.flatMap(({ objects }) => objects), warnings };
}

/** The error for a place that has no policies. @param objects that are there; without a hint, it names their kinds */
export function noPolicies(
  objects: readonly KubeObject[],
  place: string,
  { hint }: { readonly hint?: string } = {},
): HarnessError {
  const kinds = [...new Set(objects.map(({ kind }) => kind))].sort();
  const found =
    kinds.length === 0 ? 'It has no Kubernetes objects at all' : `What is there: ${kinds.join(', ')}`;
  return new HarnessError(
    'E_USAGE',
    `there is no RequestAuthentication or AuthorizationPolicy of security.istio.io in ${place}`,
    { hint: hint ?? `${found}. Name another place with --from FOLDER, or with --context and --namespace.` },
  );
}

function filesIn(start: string, given: string): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    if (found.length > limits.policyFiles) {
      throw new HarnessError('E_USAGE', `${given} has more than ${limits.policyFiles} files`, {
        hint: 'Name the folder that has the policies.',
      });
    }
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((one, other) =>
      one.name < other.name ? -1 : 1,
    )) {
      const below = join(path, entry.name);
      if (entry.isDirectory() && !passedOver.includes(entry.name)) visit(below);
      else if (entry.isFile() && ['.yaml', '.yml', '.json'].includes(extname(entry.name))) found.push(below);
    }
  };
  const hint = 'Name a folder or a file with policies: --from FOLDER';
  const looked = lookAt(start);
  if (looked.stat === undefined) throw new HarnessError('E_USAGE', `${given} ${looked.why}`, { hint });
  if (!looked.stat.isDirectory()) return [start];
  try {
    visit(start);
  } catch (thrown) {
    if (thrown instanceof HarnessError) throw thrown;
    throw new HarnessError('E_USAGE', `cannot read ${given}: ${nameOfError(thrown)}`, { hint });
  }
  return found;
}

function readFile(file: string, shown: string): Pick<ReadFile, 'objects' | 'warnings'> {
  let source: string;
  try {
    source = readLimited(file, limits.policyBytes).toString('utf8');
  } catch (thrown) {
    return { objects: [], warnings: [`${shown} was passed over: it ${whyUnreadable(thrown).why}`] };
  }
  // CustomResourceDefinitions lie beside policies, and are long.
  const excess = excessOf(source, limits.conformanceEntries);
  if (excess !== undefined) return { objects: [], warnings: [`${shown} was passed over: ${excess.message}`] };
  const lineCounter = new LineCounter();
  const objects: KubeObject[] = [];
  const warnings: string[] = [];
  for (const document of [...parseAllDocuments(source, { lineCounter, uniqueKeys: false })]) {
    const [mistake] = document.errors;
    const offset = mistake?.pos[0] ?? sameKey(document);
    if (offset !== undefined) {
      const { line, col } = lineCounter.linePos(offset);
      const [open] = /\{\{.*?\}\}/.exec(source.slice(document.range?.[0])) ?? [];
      if (mistake !== undefined && open !== undefined)
        return { objects, warnings: [...warnings, renderFirst(`${shown}:${line}:${col}`, shown, open)] };
      const why = mistake?.message.split('\n')[0]?.replace(/ at line .*/, '') ?? 'Map keys must be unique';
      return {
        objects,
        warnings: [
          ...warnings,
          `${shown}:${line}:${col}: passed over from here on, because it is no YAML: ${why}`,
        ],
      };
    }
    const template = templateIn(source.slice(document.range?.[0], document.range?.[2]));
    if (template !== undefined) {
      warnings.push(renderFirst(shown, shown, template));
      continue;
    }
    const expanded = expandedExcess(document, limits.conformanceEntries);
    if (expanded !== undefined) {
      return { objects, warnings: [...warnings, `${shown}: passed over from here on: ${expanded.message}`] };
    }
    try {
      objects.push(...objectsIn(document.toJS({ maxAliasCount: -1 })));
    } catch (thrown) {
      // An alias of an anchor that is not there.
      return {
        objects,
        warnings: [...warnings, `${shown}: passed over from here on: ${nameOfError(thrown)}`],
      };
    }
  }
  return { objects, warnings };
}

function renderFirst(where: string, file: string, template: string): string {
  const command = template.startsWith('$') ? `envsubst < ${file}` : 'helm template CHART';
  return `${where}: passed over, because something has to fill in ${template} first: render it, such as with "${command} > rendered.yaml", and name rendered.yaml`;
}

/** What of an object is none yet: `${NAME}` for envsubst, `{{ … }}` of Helm and other templates. */
function templateIn(text: string): string | undefined {
  if (!/istio\.io\/|kind: (?:Service|Namespace)\b/.test(text)) return undefined;
  return /\$\{[A-Z_][A-Z0-9_]*\}|\{\{.*?\}\}/.exec(text.replace(/^\s*#.*$/gm, ''))?.[0];
}

/** The object, or those of a list; nothing for what is no object of Kubernetes. */
function objectsIn(value: unknown): KubeObject[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  if (typeof value !== 'object' || value === null) return [];
  const { kind, apiVersion, metadata, items } = value as Record<string, unknown>;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
    return items.flatMap(objectsIn);
  const { name, namespace } = Object(metadata) as { name?: unknown; namespace?: unknown };
  const named = typeof name === 'string' && ['string', 'undefined'].includes(typeof namespace);
  return typeof kind === 'string' && typeof apiVersion === 'string' && named ? [value as KubeObject] : [];
}
