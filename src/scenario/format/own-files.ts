/**
 * `apply: [{ files: … }]`: manifests that stay in the files from which they are deployed, so that what is tested is what is
 * deployed. They become manifests of the step like any other, and mistakes in them have their place in their own file.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync as readFolder } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { globSync } from 'tinyglobby';
import { isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { HarnessError, type Place } from '../../base/errors.ts';
import { lookAt } from '../../base/files/limited-file.ts';
import { limits } from '../../base/files/limits.ts';
import { excessOf } from '../../base/files/yaml-bounds.ts';
import { isMap } from '../../base/kube-object.ts';
import { hintFor } from '../../base/suggest.ts';
import { displayName, readText } from '../files.ts';
import { escapeTemplate } from '../template-parse.ts';
import { type Path, parseYaml, type YamlFile } from '../yaml/yaml-file.ts';
import { explainIssues, noMessage } from './issues.ts';
import { type OwnFiles, ownFilesSchema } from './schema-steps.ts';

/** A scenario file whose entries with `files` are the manifests in these files. */
export interface WithOwnFiles extends YamlFile {
  /** Absolute paths of the files that were read. */
  readonly ownFiles: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;
interface Found {
  readonly object: Json;
  readonly yaml: YamlFile;
  /** Within the document. */
  readonly at: Path;
}
/** Where an entry of `apply` comes from: a place in a file of the user's own, or in the scenario. */
type Origin = Found | { readonly index: number };

/** Where files are: the folder of the scenario file, and where messages name files from. */
export interface Whereabouts {
  readonly folder: string;
  readonly cwd: string;
}

/**
 * Reads the files. What is wrong with them is among the errors.
 *
 * @param where undefined for a scenario that is in no file, which cannot have files beside it
 */
export function withOwnFiles(yaml: YamlFile, where: Whereabouts | undefined): WithOwnFiles {
  const { data } = yaml;
  const steps = isMap(data) && Array.isArray(data.steps) ? data.steps : [];
  const errors: HarnessError[] = [];
  const read = new Set<string>();
  const origins = new Map<number, readonly Origin[]>();
  const expanded = steps.map((step: unknown, number) => {
    if (!isMap(step) || !Array.isArray(step.apply) || !step.apply.some(hasFiles)) return step;
    const from: Origin[] = [];
    const apply = step.apply.flatMap((entry: unknown, index) => {
      if (!hasFiles(entry)) {
        from.push({ index });
        return [entry];
      }
      const at = ['steps', number, 'apply', index];
      const place = (path: Path) => yaml.place([...at, ...path]);
      const keyPlace = (path: Path) => yaml.keyPlace([...at, ...path]);
      const issuers = Object((data as Json).issuers) as Surroundings['issuers'];
      const found = new Reading({ where, place, keyPlace, issuers, errors, read }).of(entry);
      from.push(...found);
      return found.map(({ object }) => object);
    });
    origins.set(number, from);
    return { ...step, apply };
  });
  if (origins.size === 0) return { ...yaml, ownFiles: [] };
  const locate = (way: 'place' | 'keyPlace') => (path: Path) => {
    const [first, step, field, index, ...rest] = path;
    const list = first === 'steps' && field === 'apply' ? origins.get(step as number) : undefined;
    const origin = list?.[index as number];
    if (origin === undefined) return yaml[way](path);
    if ('index' in origin) return yaml[way](['steps', step as number, 'apply', origin.index, ...rest]);
    return origin.yaml[way]([...origin.at, ...rest]);
  };
  return {
    data: { ...(data as Json), steps: expanded },
    errors: [...yaml.errors, ...errors],
    place: locate('place'),
    keyPlace: locate('keyPlace'),
    ownFiles: [...read],
  };
}

function hasFiles(entry: unknown): entry is Json {
  return isMap(entry) && Object.hasOwn(entry, 'files') && !Object.hasOwn(entry, 'kind');
}

/** What is around an entry. */
interface Surroundings extends Pick<YamlFile, 'place' | 'keyPlace'> {
  readonly where: Whereabouts | undefined;
  readonly issuers: Readonly<Record<string, { readonly issuer?: unknown }>>;
  /** Takes what is wrong. */
  readonly errors: HarnessError[];
  /** Takes the files that are read. */
  readonly read: Set<string>;
}

/** Reads the files of one entry. */
class Reading {
  readonly #around: Surroundings;
  /** What is in the files that were read, by their absolute paths: two patterns may mean the same one. */
  readonly #files = new Map<string, Found[]>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  of(entry: Json): Found[] {
    const { where, place, keyPlace, errors } = this.#around;
    const parsed = ownFilesSchema.safeParse(entry, { error: noMessage });
    if (!parsed.success) {
      const file = { data: entry, errors: [], place, keyPlace };
      errors.push(...explainIssues(parsed.error.issues, ownFilesSchema, file));
      return [];
    }
    if (where === undefined) {
      const message = 'files are relative to a scenario file, and this scenario is in none';
      this.#wrong(['files'], message, 'Save it to a file.');
      return [];
    }
    const { files, kinds, namespace, keys = [], patches = [] } = parsed.data;
    const mistakes = errors.length;
    const found = Array.isArray(files)
      ? files.flatMap((pattern, index) => this.#named(pattern, ['files', index], where, kinds === undefined))
      : this.#named(files, ['files'], where, kinds === undefined);
    const objects = this.#ofKinds([...new Set(found)], kinds, errors.length === mistakes).map((each) => {
      const object = escaped(each.object) as Json;
      return { ...each, object: namespace === undefined ? object : movedTo(object, namespace) };
    });
    return this.#patched(this.#withKeys(objects, keys), patches);
  }

  #wrong(path: Path, message: string, hint: string): void {
    const place = this.#around.place(path);
    this.#around.errors.push(new HarnessError('E_SCENARIO', message, { hint, place }));
  }

  /**
   * What one name stands for, which must be something.
   *
   * @param isAll nothing in the files is left out, so that a kustomization would be applied too; of kinds that are not
   *   there something else is said
   */
  #named(pattern: string, at: Path, where: Whereabouts, isAll: boolean): Found[] {
    const mistakes = this.#around.errors.length;
    const found = this.#matching(pattern, at, where, isAll);
    if (isAll && found.length === 0 && this.#around.errors.length === mistakes) {
      const hint = 'See whether it is the right file, and whether all of it is a comment.';
      this.#wrong(at, `there is no object in ${pattern}`, hint);
    }
    return found;
  }

  #matching(pattern: string, at: Path, { folder, cwd }: Whereabouts, isAll: boolean): Found[] {
    const path = resolve(folder, pattern);
    const looking = lookAt(path);
    if (looking.stat === undefined && looking.why !== 'does not exist') {
      this.#wrong(at, `${pattern} ${looking.why}`, howFiles);
      return [];
    }
    const isFolder = looking.stat?.isDirectory() === true;
    if (isFolder && kustomizationIn(path) !== undefined) return this.#rendered(path, at, cwd);
    const isFile = looking.stat !== undefined && !isFolder;
    if (isFile && !isManifest(path)) {
      this.#wrong(at, `${pattern} is no file with manifests, by its name`, howFiles);
      return [];
    }
    // The name of a folder is no pattern, whatever signs it has.
    const looked = isFile
      ? { files: [path], isWhole: true }
      : isFolder
        ? lookFor('**/*', path)
        : lookFor(pattern, folder);
    const files = looked.files.filter(isManifest);
    if (!looked.isWhole) {
      const message = `${pattern} has too many files and folders in it to look for manifests`;
      const hint = `Name the folder that has them; no more than ${limits.filesLookedAt} files and folders are looked through.`;
      this.#wrong(at, message, hint);
      return [];
    }
    if (files.length === 0) {
      const what = isFolder ? `there is no file with manifests in ${pattern}` : `there is no file ${pattern}`;
      this.#wrong(at, what, howFiles);
      return [];
    }
    if (files.length > limits.ownFiles) {
      this.#wrong(
        at,
        `${pattern} is ${files.length} files, and no more than ${limits.ownFiles} are read`,
        'Name the folder that has the policies.',
      );
      return [];
    }
    return files.flatMap((file) => {
      if (isAll && kustomizationNames.includes(basename(file))) {
        const name = displayName(file, cwd);
        const hint = `Name its folder alone, which is rendered then: ${displayName(dirname(file), folder)}`;
        this.#wrong(at, `${name} is a kustomization, and not what is applied`, hint);
        return [];
      }
      const found = this.#files.get(file) ?? this.#inFile(file, cwd);
      this.#files.set(file, found);
      return found;
    });
  }

  #inFile(file: string, cwd: string): Found[] {
    const text = this.#textOf(file, cwd);
    return text === undefined ? [] : this.#objectsIn(text, displayName(file, cwd));
  }

  #textOf(file: string, cwd: string): string | undefined {
    this.#around.read.add(file);
    try {
      return readText(file, displayName(file, cwd));
    } catch (thrown) {
      if (!(thrown instanceof HarnessError)) throw thrown;
      this.#around.errors.push(thrown);
      return undefined;
    }
  }

  /** What a kustomization makes, by kubectl or kustomize. Its place is the kustomization. */
  #rendered(path: string, at: Path, cwd: string): Found[] {
    const wrong = this.#around.errors.length;
    const remote = this.#remoteIn(path, cwd);
    if (this.#around.errors.length > wrong) return [];
    if (remote !== undefined) {
      const hint = 'Only what is on this machine is rendered: save the remote part beside it.';
      this.#wrong(at, `the kustomization ${displayName(path, cwd)} needs ${remote}, which is not here`, hint);
      return [];
    }
    const file = displayName(kustomizationIn(path) ?? path, cwd);
    const failures: string[] = [];
    for (const [program, ...args] of [
      ['kustomize', 'build', path],
      ['kubectl', 'kustomize', path],
    ] as const) {
      try {
        const options = {
          encoding: 'utf8',
          timeout: 30_000,
          maxBuffer: limits.policyBytes,
          stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
        } as const;
        const text = execFileSync(program, args, options);
        const place: Place = { file, line: 1, column: 1 };
        const fixed = { place: () => place, keyPlace: () => place };
        return this.#objectsIn(text, file).map((each) => ({ ...each, yaml: { ...each.yaml, ...fixed } }));
      } catch (thrown) {
        const { code, stderr } = thrown as { code?: string; stderr?: string };
        if (code === 'ENOENT') continue;
        failures.push(
          `${program} says: ${String(stderr || (thrown as Error).message)
            .trim()
            .split('\n')
            .at(-1)}`,
        );
        break;
      }
    }
    const why = failures[0] ?? 'there is neither kustomize nor kubectl to render it';
    this.#wrong(
      at,
      `the kustomization ${displayName(path, cwd)} cannot be rendered: ${why}`,
      `Install kubectl, or save what it makes to a file and name that: kubectl kustomize ${path} > rendered.yaml`,
    );
    return [];
  }

  /**
   * What a kustomization has that is not on this machine: to render it would ask others, for files of any kind. What cannot
   * be read is among the errors.
   */
  #remoteIn(folder: string, cwd: string, seen = new Set<string>()): string | undefined {
    const file = kustomizationIn(folder);
    if (file === undefined || seen.has(file)) return undefined;
    seen.add(file);
    const text = this.#textOf(file, cwd);
    if (text === undefined) return undefined;
    const { data, errors } = parseYaml(text, displayName(file, cwd), kustomizationRoot);
    this.#around.errors.push(...errors);
    if (!isMap(data)) return undefined;
    if (data.helmCharts !== undefined) return 'charts of Helm';
    const address = addressIn(data);
    if (address !== undefined) return address;
    for (const each of [data.resources, data.bases, data.components].flat()) {
      if (each === undefined) continue;
      const path = resolve(dirname(file), String(each));
      const { stat } = lookAt(path);
      if (stat === undefined) return String(each);
      if (stat.isFile()) this.#around.read.add(path);
      const remote = stat.isDirectory() ? this.#remoteIn(path, cwd, seen) : undefined;
      if (remote !== undefined) return remote;
    }
    return undefined;
  }

  /** The objects of a text with one or several documents, lists taken apart. */
  #objectsIn(written: string, name: string): Found[] {
    // Files that were put behind each other have a byte order mark at the beginning of each.
    const text = written.replace(/^\uFEFF/gm, '');
    const excess = excessOf(text);
    // What is too much is told by the parser of one document, which looks first.
    if (excess !== undefined) {
      this.#around.errors.push(...parseYaml(text, name, manifestRoot).errors);
      return [];
    }
    const lineCounter = new LineCounter();
    const documents = parseAllDocuments(text, { lineCounter, uniqueKeys: false, logLevel: 'silent' });
    return [...documents].flatMap((document): Found[] => {
      const { contents } = document;
      const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
      if (document.errors.length === 0 && isEmpty) return [];
      const [start = 0, , end = text.length] = document.range ?? [];
      const { line, col: column } = lineCounter.linePos(start);
      const yaml = parseYaml(text.slice(start, end), name, manifestRoot, { line, column });
      this.#around.errors.push(...yaml.errors.map(withRenderHint(text, name)));
      if (!isMap(yaml.data)) return [];
      const { items, kind } = yaml.data;
      if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
        return items.map((object, index) => ({ object: Object(object) as Json, yaml, at: ['items', index] }));
      return [{ object: yaml.data, yaml, at: [] }];
    });
  }

  /**
   * @param kinds undefined: all that there are
   * @param isWhole all files were read; what is missing may be in the others
   */
  #ofKinds(
    found: readonly Found[],
    kinds: readonly string[] | undefined,
    isWhole: boolean,
  ): readonly Found[] {
    if (kinds === undefined) return found;
    const there = new Set(found.map(({ object }) => String(object.kind)));
    for (const [index, kind] of kinds.entries())
      if (isWhole && !there.has(kind))
        this.#wrong(
          ['kinds', index],
          `there is no ${kind} in these files`,
          hintFor(kind, [...there], 'kinds in them'),
        );
    return found.filter(({ object }) => kinds.includes(String(object.kind)));
  }

  /** Rules for these issuers get the keys of this run, which sign the tokens of the scenario. */
  #withKeys(found: readonly Found[], names: readonly string[]): readonly Found[] {
    const { issuers } = this.#around;
    const own = new Map<string, { readonly name: string; readonly index: number }>();
    for (const [index, name] of names.entries()) {
      const at = ['keys', index];
      const issuer = String(issuers[name]?.issuer);
      const other = own.get(issuer);
      if (!Object.hasOwn(issuers, name)) {
        this.#wrong(at, `there is no issuer "${name}"`, hintFor(name, Object.keys(issuers), 'issuers'));
      } else if (other?.name === name) {
        this.#wrong(at, `the issuer "${name}" is there twice`, 'Remove one of them.');
      } else if (other !== undefined) {
        const hint = 'A rule gets the keys of one of them: name that one.';
        this.#wrong(at, `"${other.name}" and "${name}" are both the issuer ${issuer}`, hint);
      } else if (name.includes('"') && name.includes("'")) {
        const hint = 'Give it another name under "issuers:".';
        this.#wrong(at, `the issuer ${name} has both kinds of quotes in its name`, hint);
      } else own.set(issuer, { name, index });
    }
    const used = new Set<string>();
    const there = new Set<string>();
    const changed = found.map((each) => {
      const { spec } = each.object as { spec?: Json };
      if (each.object.kind !== 'RequestAuthentication' || !Array.isArray(spec?.jwtRules)) return each;
      const jwtRules = spec.jwtRules.map((rule: Json) => {
        const issuer = String(Object(rule).issuer);
        there.add(issuer);
        const name = own.get(issuer)?.name;
        if (name === undefined) return rule;
        used.add(issuer);
        const { jwksUri: _, ...rest } = rule;
        const quote = name.includes('"') ? "'" : '"';
        return { ...rest, jwks: `\${issuers[${quote}${name}${quote}].jwks}` };
      });
      return { ...each, object: { ...each.object, spec: { ...spec, jwtRules } } };
    });
    for (const [issuer, { index }] of own)
      if (!used.has(issuer))
        this.#wrong(
          ['keys', index],
          `no RequestAuthentication in these files has a rule for issuer ${issuer}`,
          hintFor(issuer, there, 'issuers in them'),
        );
    return changed;
  }

  #patched(found: readonly Found[], patches: NonNullable<OwnFiles['patches']>): Found[] {
    let objects = [...found];
    for (const [index, { kind, name, merge }] of patches.entries()) {
      const fits = ({ object }: Found) =>
        object.kind === kind && (name === undefined || (object.metadata as Json | undefined)?.name === name);
      if (!objects.some(fits)) {
        const names = objects.map(
          ({ object }) => `${object.kind} ${(object.metadata as Json | undefined)?.name ?? 'without a name'}`,
        );
        this.#wrong(
          ['patches', index],
          `there is no ${kind}${name === undefined ? '' : ` ${name}`} in these files`,
          `There is: ${names.join(', ') || 'nothing'}.`,
        );
      }
      objects = objects.map((each) =>
        fits(each) ? { ...each, object: merged(each.object, merge) as Json } : each,
      );
    }
    return objects;
  }
}

const kustomizationRoot = {
  expected: 'expected a kustomization',
  hint: 'A kustomization is a map with resources.',
};

const howFiles =
  'Files are named relative to the scenario file: a file that ends with .yaml, .yml or .json, a folder, or a pattern such as ../policies/*.yaml.';

const manifestRoot = {
  expected: 'expected a Kubernetes object',
  hint: 'An object has apiVersion, kind and metadata. Name only files with manifests.',
};

/** Templates are no manifests yet. */
function withRenderHint(text: string, name: string): (error: HarnessError) => HarnessError {
  const isTemplate = /\{\{.*?\}\}/.test(text);
  return (error) =>
    isTemplate
      ? new HarnessError('E_SCENARIO', `${error.message}; the file is a template`, {
          hint: `Render it first, such as with "helm template CHART > rendered.yaml", and name that instead of ${name}.`,
          place: error.place,
        })
      : error;
}

/** Scenarios of others can name any file of this machine, and mistakes show a line of it. */
function isManifest(file: string): boolean {
  return /\.(?:ya?ml|json)$/.test(file);
}

/** The files that a pattern fits, but for hidden ones and packages, and whether all were looked at. */
function lookFor(pattern: string, cwd: string): { files: string[]; isWhole: boolean } {
  let looked = 0;
  const readdirSync = ((folder: string, options: { withFileTypes: true }) => {
    if (looked > limits.filesLookedAt) return [];
    const entries = readFolder(folder, options);
    looked += entries.length;
    return entries.filter(({ name }) => name !== 'node_modules');
  }) as typeof readFolder;
  const options = { cwd, absolute: true, followSymbolicLinks: false };
  const files = globSync(pattern, { ...options, fs: { readdirSync } });
  return { files: files.sort(), isWhole: looked <= limits.filesLookedAt };
}

const kustomizationNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

function kustomizationIn(folder: string): string | undefined {
  return kustomizationNames.map((name) => join(folder, name)).find((file) => existsSync(file));
}

/** Where kustomize would fetch something from: an address, wherever it stands but among labels and annotations. */
function addressIn(value: unknown): string | undefined {
  if (typeof value === 'string')
    return /^[a-z][a-z+.-]*:\/\/\S+$/i.test(value.trim()) ? value.trim() : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, each] of Object.entries(value)) {
    const found = /^(?:common)?(?:labels|annotations)$/i.test(name) ? undefined : addressIn(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** In files of the user's own `${` is what it is. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return escapeTemplate(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [escapeTemplate(key), escaped(each)]));
}

function movedTo(object: Json, namespace: string): Json {
  const isCluster = object.kind === 'Namespace' || String(object.kind).startsWith('Cluster');
  return isCluster ? object : { ...object, metadata: { ...Object(object.metadata), namespace } };
}

/** A JSON Merge Patch (RFC 7396): maps are merged, null removes, everything else replaces. */
function merged(base: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result = new Map(isMap(base) ? Object.entries(base) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  }
  return Object.fromEntries(result);
}
