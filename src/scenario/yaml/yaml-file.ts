/** A YAML file as plain data, with the place of every node. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { HarnessError, type Place } from '../../base/errors.ts';
import { type Excess, excessOf, expandedExcess, targetOf } from '../../base/files/yaml-bounds.ts';
import { explainYaml } from './yaml-errors.ts';
import { checkKeys, checkNumber, isMergeKey, mergedMaps } from './yaml-exact.ts';

/** The keys and indexes that lead to a value, from the root of a file. */
export type Path = readonly (string | number)[];

export interface YamlFile {
  /** Undefined when the file is too broken to be looked at. */
  readonly data: unknown;
  readonly errors: readonly HarnessError[];
  /** Where the value at this path stands. For what is not in the file: the key or list entry that should hold it. */
  place(path: Path): Place;
  /** Where the key stands that introduces the value at this path. */
  keyPlace(path: Path): Place;
}

type Found = Node | null | undefined;

/** What a file must have at its top. */
export interface Root {
  readonly expected: string;
  readonly hint: string;
}

const ofScenario: Root = {
  expected: 'expected a map with the keys of a scenario',
  hint: 'A scenario has at least the keys name, title and steps.',
};

/**
 * Parses YAML 1.2, and the merge key `<<` of YAML 1.1, which people expect. What would not come out as it is written is
 * an error. Never throws: problems are in `errors`, in the order of the file.
 *
 * @param begin where the source begins in the file, when it is a part of it
 */
export function parseYaml(
  source: string,
  file: string,
  root: Root = ofScenario,
  begin: { readonly line: number; readonly column: number } = { line: 1, column: 1 },
): YamlFile {
  const lines = new LineCounter();
  const tooMuch = excessOf(source);
  const document = parseDocument(tooMuch === undefined ? source : '', {
    lineCounter: lines,
    // The parser would compare every key of a map with every other one; checkKeys does it otherwise.
    uniqueKeys: false,
    merge: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  const within = (line: number, column: number): Place => {
    const [first, more] = [Math.max(line, 1), Math.max(column, 1)];
    return { file, line: first + begin.line - 1, column: first === 1 ? more + begin.column - 1 : more };
  };
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return within(line, col);
  };

  if (tooMuch !== undefined) {
    const before = source.slice(0, tooMuch.offset).split('\n');
    return refused(tooMuch, within(before.length, before.at(-1)!.length + 1));
  }

  const explained = explainYaml([...document.errors, ...document.warnings], source, at, (before) =>
    lastUnclosed(document, source, before),
  );
  const errors = [...explained.errors];
  let data: unknown;
  if (!explained.fatal) {
    const { errors: unusables, twice } = unusable(document, at, root);
    errors.push(...unusables, ...twice);
    if (unusables.length === 0) {
      const excess = expandedExcess(document);
      if (excess !== undefined) errors.push(tooLarge(excess, at(excess.offset)));
      else data = document.toJS({ maxAliasCount: -1 });
    }
  }

  const follow = (node: unknown) => followed(node, document);
  const known = new Map<YAMLMap, Map<string, Pair>>();
  const pairOf = (map: YAMLMap, segment: string | number): Pair | undefined => {
    let pairs = known.get(map);
    if (pairs === undefined) {
      pairs = new Map();
      for (const pair of map.items) {
        const key = follow(pair.key);
        const name = isScalar(key) ? String(key.value ?? '') : undefined;
        if (name !== undefined && !pairs.has(name)) pairs.set(name, pair);
      }
      known.set(map, pairs);
    }
    return pairs.get(String(segment));
  };
  const child = (node: unknown, segment: string | number): { key: Found; value: Found } | undefined => {
    const parent = follow(node);
    if (isMap(parent)) {
      const pair = pairOf(parent, segment);
      if (pair !== undefined) return { key: pair.key as Node, value: pair.value as Found };
      // Of what is merged, the first that has the key counts.
      for (const { key, value } of parent.items) {
        if (!isMergeKey(key)) continue;
        for (const map of mergedMaps(value, follow)) {
          const found = child(map, segment);
          if (found !== undefined) return found;
        }
      }
      return undefined;
    }
    if (!isSeq(parent) || typeof segment !== 'number') return undefined;
    const value = parent.items[segment] as Found;
    return value ? { key: undefined, value } : undefined;
  };
  const locate = (path: Path) => {
    let found: { key: Found; value: Found } = { key: undefined, value: document.contents };
    for (const segment of path) {
      const next = child(found.value, segment);
      if (next === undefined) return { ...found, whole: false };
      found = next;
    }
    return { ...found, whole: true };
  };
  const start = (node: Found): number | undefined => node?.range?.[0];
  // An empty value has no text to point to.
  const isEmpty = (node: Found) => isScalar(node) && node.range?.[0] === node.range?.[1];

  return {
    data,
    errors,
    place(path) {
      const { key, value, whole } = locate(path);
      const useKey = !whole || isEmpty(value);
      return at((useKey ? (start(key) ?? start(value)) : (start(value) ?? start(key))) ?? 0);
    },
    keyPlace(path) {
      const { key, value } = locate(path);
      return at(start(key) ?? start(value) ?? 0);
    },
  };
}

/** A file that is not looked at. */
function refused(excess: Excess, place: Place): YamlFile {
  const always = () => place;
  return { data: undefined, errors: [tooLarge(excess, place)], place: always, keyPlace: always };
}

function tooLarge({ message, hint }: Excess, place: Place): HarnessError {
  return new HarnessError('E_SCENARIO', message, { hint, place });
}

/** What YAML allows but a scenario has no use for. With keys that are there twice, the rest can still be looked at. */
function unusable(
  document: ReturnType<typeof parseDocument>,
  at: (offset: number) => Place,
  { expected, hint }: Root,
): { errors: HarnessError[]; twice: HarnessError[] } {
  const errors: HarnessError[] = [];
  const twice: HarnessError[] = [];
  const reportTo = (list: HarnessError[]) => (node: Node, message: string, remedy: string) => {
    list.push(new HarnessError('E_SCENARIO', message, { hint: remedy, place: at(node.range?.[0] ?? 0) }));
  };
  const report = reportTo(errors);
  const reportTwice = reportTo(twice);
  visit(document, {
    Alias(_, alias, ancestors) {
      const target = targetOf(alias, document);
      if (target === undefined) {
        report(alias, `"*${alias.source}" refers to nothing`, 'Text that starts with "*" must be in quotes.');
      } else if (ancestors.includes(target)) {
        report(alias, `"*${alias.source}" contains itself`, 'Write out the value instead of the alias.');
      }
    },
    Map(_, map) {
      checkKeys(map, report, reportTwice, (node) => followed(node, document));
    },
    Scalar(role, scalar) {
      if (role !== 'key') checkNumber(scalar, report);
    },
  });
  if (errors.length === 0 && !isMap(document.contents)) {
    const place = at(document.contents?.range?.[0] ?? 0);
    const isNothing =
      document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    const message = isNothing ? 'the file is empty' : expected;
    errors.push(new HarnessError('E_SCENARIO', message, { hint, place }));
  }
  return { errors, twice };
}

function followed(node: unknown, document: ReturnType<typeof parseDocument>): unknown {
  return isAlias(node) ? targetOf(node, document) : node;
}

/** Where the last quoted text or flow collection starts before an offset that does not end as it should. */
function lastUnclosed(
  document: ReturnType<typeof parseDocument>,
  source: string,
  before: number,
): number | undefined {
  let last: number | undefined;
  visit(document, {
    Node(_, node) {
      const [start, end] = node.range ?? [before, before];
      const ends = { '"': '"', "'": "'", '[': ']', '{': '}' }[source[start]!];
      if (ends === undefined || start >= before) return;
      if (end - start < 2 || source[end - 1] !== ends) last = start;
    },
  });
  return last;
}
