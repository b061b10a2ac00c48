/**
 * Lists: a key with `${alg}` stands for one entry for every value of the list `alg`, with `${alg}` filled in in the key
 * and everywhere in what it holds. Such keys can be names of issuers, of their keys, of tokens and of requests, and rows and columns.
 */
import { limits } from '../../base/files/limits.ts';
import { filledLength, longestOf } from '../lint/check-size.ts';
import { rowsOf } from '../table.ts';
import { references, substitute } from '../template.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { mutations } from './mutations.ts';
import type { Cell, ScenarioSpec, Table } from './schema.ts';

type Values = Readonly<Record<string, string>>;
type Lists = Readonly<Record<string, readonly string[]>>;

/** Something that lists make impossible, at the path where it stands in the file. */
interface ListProblem {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

export interface Expanded {
  readonly spec: ScenarioSpec;
  readonly problems: readonly ListProblem[];
  /** False when the lists make more than anybody can mean, and `spec` has only a part of it. */
  readonly isWhole: boolean;
  /** The path in the file of what is at this path of `spec`. */
  original(path: Path): Path;
}

/** A scenario without keys that stand for several entries. Rows whose length is wrong are a problem. */
export function expandLists(spec: ScenarioSpec): Expanded {
  const work = new Expansion({ mutations, ...spec.lists });
  const issuers = work.map(spec.issuers, ['issuers'], (issuer, values, at, from) => {
    const { keys, ...rest } = issuer;
    const filled = work.fill(rest, values, at, from);
    if (keys === undefined) return filled;
    const expandedKeys = work.map(keys, [...at, 'keys'], work.fill, [...from, 'keys'], values);
    return { ...filled, keys: expandedKeys };
  });
  const tokens = work.map(spec.tokens, ['tokens'], work.fill);
  const requests = spec.requests && work.map(spec.requests, ['requests'], work.fill);
  const steps = spec.steps.map((step, index) =>
    step.expect === undefined
      ? step
      : { ...step, expect: expandTable(step.expect, ['steps', index, 'expect'], work) },
  );
  return {
    spec: { ...spec, issuers, tokens, ...(requests && { requests }), steps },
    problems: work.problems,
    isWhole: work.isWhole,
    original: (path) => work.original(path),
  };
}

function expandTable(table: Table, path: Path, work: Expansion): Table {
  const columns = table.columns.flatMap((column, index) =>
    work
      .choices(column, [...path, 'columns', index])
      .map((values) => ({ name: substitute(column, values), values, index })),
  );
  for (const [index, column] of columns.entries()) {
    work.moved([...path, 'columns', index], [...path, 'columns', column.index]);
  }
  const cellsOf = (cells: readonly Cell[], rowValues: Values, at: Path, from: Path) => {
    if (!work.mayMake(columns.length - table.columns.length, from)) return [];
    return columns.map(({ values, index }, column) => {
      work.moved([...at, column], [...from, index]);
      // A cell that is missing was reported; something has to stand for it.
      return work.fill(cells[index] ?? 200, { ...rowValues, ...values }, [...at, column], [...from, index]);
    });
  };
  for (const [row, cells] of rowsOf(table)) {
    const wanted = table.columns.length;
    if (cells.length === wanted) continue;
    const names = table.columns.map((column) => `"${column}"`).join(', ');
    work.problems.push({
      path: [...path, row],
      message: `the row "${row}" has ${count(cells.length, 'cell')} for ${count(wanted, 'column')}`,
      hint: `The columns are: ${names}.${columns.length === wanted ? '' : ' A column with a list takes one cell.'}`,
    });
  }
  const rows = work.map(Object.fromEntries(rowsOf(table)), path, cellsOf);
  return { ...rows, columns: columns.map(({ name }) => name) } as unknown as Table;
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

class Expansion {
  readonly problems: ListProblem[] = [];
  isWhole = true;
  /** How many entries and cells there are so far, and characters of the texts in them. */
  #made = 0;
  #characters = 0;
  readonly #lists: Lists;
  readonly #longest: number;
  readonly #origins = new Map<string, Path>();

  constructor(lists: Lists) {
    // A value that is there twice is a mistake of the list, and no reason to find another in every key.
    this.#lists = Object.fromEntries(
      Object.entries(lists).map(([name, values]) => [name, [...new Set(values)]]),
    );
    this.#longest = longestOf(Object.values(lists).flat());
  }

  /** Remembers where in the file something comes from. */
  moved(to: Path, from: Path): void {
    const key = JSON.stringify(to);
    if (key !== JSON.stringify(from)) this.#origins.set(key, from);
  }

  original(path: Path): Path {
    for (let length = path.length; length > 0; length--) {
      const from = this.#origins.get(JSON.stringify(path.slice(0, length)));
      if (from !== undefined) return [...from, ...path.slice(length)];
    }
    return path;
  }

  /** Counts what is about to be made. Returns whether that is still no more than anybody can mean. */
  mayMake(count: number, path: Path): boolean {
    this.#made += count;
    if (this.#made <= limits.listEntries) return true;
    if (this.isWhole) {
      this.problems.push({
        path,
        message: `the lists of this scenario make more than ${limits.listEntries} entries and cells`,
        hint: 'Each value of a list is combined with each of the others: shorten the lists, or make several scenarios.',
      });
    }
    this.isWhole = false;
    return false;
  }

  /** Counts a text that is about to be filled in, as {@link mayMake} does entries. */
  #mayFill(text: string, path: Path): boolean {
    this.#characters += filledLength(text, this.#longest);
    if (this.#characters <= limits.filledText) return true;
    if (this.isWhole) {
      this.problems.push({
        path,
        message: `the lists of this scenario make more than ${limits.filledText} characters`,
        hint: 'This text is there once for each value of the lists: shorten it, or the lists.',
      });
    }
    this.isWhole = false;
    return false;
  }

  /**
   * Every combination of values of the lists that this key refers to, one with nothing when there are none.
   *
   * @param from where the key stands
   */
  choices(key: string, from: Path, bound: Values = {}): Values[] {
    let choices: Values[] = [{}];
    for (const { expression } of references(key)) {
      const [name, ...more] = expression?.kind === 'name' ? expression.names : [];
      if (name === undefined || more.length > 0 || !Object.hasOwn(this.#lists, name)) continue;
      if (Object.hasOwn(bound, name) || Object.hasOwn(choices[0]!, name)) continue;
      const values = this.#lists[name]!;
      if (!this.mayMake(choices.length * (values.length - 1), from)) return [];
      choices = choices.flatMap((choice) => values.map((value) => ({ ...choice, [name]: value })));
    }
    return choices;
  }

  /** Expands the keys of a map; `make` makes the value of an entry, for the values that the lists have for it. */
  map<In, Out>(
    map: Readonly<Record<string, In>>,
    at: Path,
    make: (value: In, values: Values, at: Path, from: Path) => Out,
    from: Path = at,
    bound: Values = {},
  ): Record<string, Out> {
    const result = new Map<string, Out>();
    for (const [key, value] of Object.entries(map)) {
      for (const choice of this.choices(key, [...from, key], bound)) {
        const values = { ...bound, ...choice };
        if (!this.#mayFill(key, [...from, key])) break;
        const newKey = substitute(key, values);
        if (newKey === '__proto__') {
          this.problems.push({
            path: [...from, key],
            message: 'with the values of the lists, an entry is called "__proto__"',
            hint: 'JavaScript gives this name a meaning of its own. Choose other values.',
          });
          continue;
        }
        if (result.has(newKey)) {
          this.#twice([...from, key], newKey);
          continue;
        }
        this.moved([...at, newKey], [...from, key]);
        result.set(newKey, make(value, values, [...at, newKey], [...from, key]));
      }
    }
    return Object.fromEntries(result);
  }

  #twice(path: Path, key: string): void {
    this.problems.push({
      path,
      message: `there are two entries called "${key}" once the lists are filled in`,
      hint: 'Names must differ; see the values of the lists and the other keys of this map.',
    });
  }

  /** A copy with the values filled in, in keys too. */
  readonly fill = <T>(value: T, values: Values, at: Path, from: Path): T => {
    if (Object.keys(values).length === 0) return value;
    const copy = (item: unknown, to: Path, of: Path): unknown => {
      if (typeof item === 'string') return this.#mayFill(item, of) ? substitute(item, values) : item;
      if (Array.isArray(item)) return item.map((entry, i) => copy(entry, [...to, i], [...of, i]));
      if (typeof item !== 'object' || item === null) return item;
      const filled = new Map<string, unknown>();
      for (const [key, entry] of Object.entries(item)) {
        const newKey = substitute(key, values);
        if (filled.has(newKey)) this.#twice([...of, key], newKey);
        if (newKey !== key) this.moved([...to, newKey], [...of, key]);
        filled.set(newKey, copy(entry, [...to, newKey], [...of, key]));
      }
      return Object.fromEntries(filled);
    };
    return copy(value, at, from) as T;
  };
}
