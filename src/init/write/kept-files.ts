/** Policies that stay in the user's files, so that what is tested is what is deployed; and why others are copied. */
import { relative, sep } from 'node:path';
import { groupBy } from '../../base/group.ts';
import { nameOf } from '../../policy/selection.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import { type Whereabouts, withOwnFiles } from '../../scenario/format/own-files.ts';
import type { OwnFiles } from '../../scenario/format/schema-steps.ts';
import type { KubeObject } from '../../target/target.ts';
import { type IssuerPlan, issuerOf } from '../issuers.ts';
import type { ReadFile } from '../read-folder.ts';
import { ruleWithKeys } from './carry.ts';
import { escaped } from './yaml-text.ts';

export interface Kept {
  /** Entries of `apply`. */
  readonly entries: readonly OwnFiles[];
  /** Of the objects in them, as `Kind namespace/name`. */
  readonly names: ReadonlySet<string>;
  /** Why others are copies, a line each. */
  readonly copied: readonly string[];
}

export const nothingKept: Kept = { entries: [], names: new Set(), copied: [] };

type Patch = NonNullable<OwnFiles['patches']>[number];

/** What an API server adds, and would not take from anybody else. Owners are of another cluster. */
const ofServers = [
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'],
  ...['ownerReferences', 'finalizers'],
];

/** What a scenario has of the user's. */
interface Carried {
  readonly policies: readonly KubeObject[];
  readonly peers: readonly KubeObject[];
  readonly issuers: readonly IssuerPlan[];
}

/**
 * What stays in its files: of each file all of the kinds that the scenario applies, unless an object of these kinds must not be
 * applied.
 *
 * @param files undefined when the policies are in none, as those of a cluster
 * @param from where the scenario is going to be
 */
export function keptFiles(
  { policies, peers, issuers }: Carried,
  files: readonly ReadFile[] | undefined,
  from: Whereabouts,
): Kept {
  if (files === undefined)
    return { ...nothingKept, copied: ['all: they are in a cluster, and not in files'] };
  const carried = new Map([...policies, ...peers].map((object) => [nameOf(object), object]));
  const times = new Map<string, number>();
  for (const name of files.flatMap(({ objects }) => objects.map(nameIn)))
    times.set(name, (times.get(name) ?? 0) + 1);
  const entries: OwnFiles[] = [];
  const names = new Set<string>();
  const copied: string[] = [];
  for (const whole of files) {
    if (!whole.objects.some((object) => carried.has(nameIn(object)))) continue;
    const { file, kinds } = ofCarriedKinds(whole, carried);
    const own = file.objects.map(nameIn);
    const entry = entryFor(file, kinds, carried, issuers, from);
    const why =
      whyMixed(own, carried, times) ??
      (file.warnings.length > 0 ? 'not all of it can be read' : undefined) ??
      whyUnusable(entry, file, issuers, from);
    if (why !== undefined) {
      copied.push(`${file.shown}: ${why}`);
      continue;
    }
    entries.push(entry);
    for (const name of own) names.add(name);
  }
  return { entries: together(entries), names, copied };
}

/**
 * The file as a scenario has it, without what is of other kinds than those that it applies.
 *
 * @returns these kinds, when there are others; undefined: all are applied
 */
function ofCarriedKinds(
  file: ReadFile,
  carried: ReadonlyMap<string, KubeObject>,
): { file: ReadFile; kinds: readonly string[] | undefined } {
  const kinds = new Set(file.objects.filter((object) => carried.has(nameIn(object))).map(({ kind }) => kind));
  const objects = file.objects.filter(({ kind }) => kinds.has(kind));
  return { file: { ...file, objects }, kinds: objects.length < file.objects.length ? [...kinds] : undefined };
}

function nameIn(object: KubeObject): string {
  const { kind, metadata } = object;
  const { namespace = 'default' } = metadata;
  return nameOf({ ...object, metadata: kind === 'Namespace' ? metadata : { ...metadata, namespace } });
}

function whyMixed(
  own: readonly string[],
  carried: ReadonlyMap<string, KubeObject>,
  times: ReadonlyMap<string, number>,
): string | undefined {
  const others = own.filter((name) => !carried.has(name));
  if (others.length > 0) {
    const more = others.length > 2 ? ` and ${others.length - 2} more` : '';
    return `it also has ${others.slice(0, 2).join(', ')}${more}, which the scenario must not apply`;
  }
  const twice = own.find((name) => times.get(name) !== 1);
  return twice === undefined ? undefined : `${twice} is there more than once`;
}

/** What a file says, and what a test must change of it. */
function entryFor(
  { path, objects }: ReadFile,
  kinds: readonly string[] | undefined,
  carried: ReadonlyMap<string, KubeObject>,
  issuers: readonly IssuerPlan[],
  { folder }: Whereabouts,
): OwnFiles {
  const keys = new Set<string>();
  const patches = objects.flatMap((object): Patch[] => {
    const rules = jwtRulesOf(object);
    // Keys are put into rules by their issuer.
    const isOpen = rules.some(({ issuer = '' }) => issuer === '');
    const named = issuers.filter(({ issuer }) => rules.some((rule) => issuerOf(rule) === issuer));
    if (!isOpen) for (const { name } of named) keys.add(name);
    const spec = isOpen
      ? { jwtRules: rules.map((rule) => ruleWithKeys(rule, issuers)) }
      : changedIn(object, carried.get(nameIn(object)));
    const merge = { ...ofServer(object), ...(spec === undefined ? {} : { spec }) };
    const { kind, metadata } = object;
    return Object.keys(merge).length === 0 ? [] : [{ kind, name: metadata.name, merge } as Patch];
  });
  const isHomeless = objects.some(({ metadata }) => metadata.namespace === undefined);
  return {
    files: relative(folder, path).split(sep).join('/'),
    ...(kinds === undefined ? {} : { kinds: [...kinds] }),
    // Nothing is applied without saying where.
    ...(isHomeless ? { namespace: 'default' } : {}),
    ...(keys.size === 0 ? {} : { keys: [...keys] }),
    ...(patches.length === 0 ? {} : { patches }),
  };
}

/** Addresses that are others in every mesh. */
function changedIn(own: KubeObject, carried: KubeObject | undefined): object | undefined {
  const { rules } = (carried?.spec ?? {}) as { rules?: unknown };
  const { rules: before } = (own.spec ?? {}) as { rules?: unknown };
  return JSON.stringify(before) === JSON.stringify(rules) ? undefined : { rules: escaped(rules) };
}

function ofServer(object: KubeObject): object {
  const { labels, ...own } = object.metadata;
  const metadata = {
    ...Object.fromEntries(
      ofServers.flatMap((field) =>
        ((own as Readonly<Record<string, unknown>>)[field] ?? null) === null ? [] : [[field, null]],
      ),
    ),
    // A mesh of the test has no revision of that name.
    ...(labels?.['istio.io/rev'] === undefined ? {} : { labels: { 'istio.io/rev': null } }),
  };
  return {
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...('status' in object ? { status: null } : {}),
  };
}

/** Why a scenario could not have it, as whoever loads it would say; such as a file that is too large for that. */
function whyUnusable(
  entry: OwnFiles,
  { objects, shown }: ReadFile,
  issuers: readonly IssuerPlan[],
  from: Whereabouts,
): string | undefined {
  const own = objects.map(nameIn);
  const kinds = own.map((name) => name.replace(/ .*\//, ' '));
  const patched = (entry.patches ?? []).map(({ kind, name }) => `${kind} ${name}`);
  const shared = patched.find((each) => kinds.filter((kind) => kind === each).length > 1);
  if (shared !== undefined) return `${shared} is in two namespaces, and has to be changed for a test`;
  const place = () => ({ file: shown, line: 1, column: 1 });
  const data = {
    issuers: Object.fromEntries(issuers.map(({ name, issuer }) => [name, { issuer }])),
    steps: [{ apply: [entry] }],
  };
  const read = withOwnFiles({ data, errors: [], place, keyPlace: place }, from);
  if (read.errors.length > 0) return read.errors[0]?.message.replace(`${shown} `, 'it ');
  const [step] = (read.data as { steps: { apply: ReadFile['objects'] }[] }).steps;
  if (step?.apply.map(nameIn).join() === own.join()) return undefined;
  const homeless = objects.find(({ metadata }) => metadata.namespace === undefined);
  return homeless !== undefined
    ? `${nameOf(homeless)} says no namespace, and others of it do`
    : 'a scenario reads it otherwise';
}

/** Files in which nothing is changed, and of which the same kinds are applied, are one entry. */
function together(entries: readonly OwnFiles[]): OwnFiles[] {
  const plain = entries.filter(({ patches }) => patches === undefined);
  const alike = groupBy(plain, ({ kinds = [], namespace = '' }) => [namespace, ...[...kinds].sort()].join());
  const common = [...alike.values()].map((group): OwnFiles => {
    const files = group.flatMap((each) => each.files);
    const keys = [...new Set(group.flatMap((each) => each.keys ?? []))];
    const { kinds, namespace } = group[0] ?? {};
    return {
      files: files.length === 1 ? String(files[0]) : files,
      ...(kinds === undefined ? {} : { kinds }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(keys.length === 0 ? {} : { keys }),
    };
  });
  return [...common, ...entries.filter(({ patches }) => patches !== undefined)];
}
