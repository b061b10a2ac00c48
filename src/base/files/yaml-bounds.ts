/**
 * Says whether YAML is so large, or so deep, that it must not be parsed: the parser compares every key of a map with every
 * other one, and calls itself for what is nested.
 */
import {
  type Alias,
  CST,
  type Document,
  isAlias,
  isCollection,
  isPair,
  isScalar,
  Lexer,
  type Node,
  visit,
} from 'yaml';
import { limits } from './limits.ts';

/** What is too much, where, and what to write instead. */
export interface Excess {
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

/** @param most entries, keys of maps and entries of lists counted together */
export function excessOf(source: string, most: number = limits.yamlEntries): Excess | undefined {
  if (cannotExceed(source, most)) return undefined;
  let offset = 0;
  let entries = 0;
  /** Brackets and braces that are open. */
  let flow = 0;
  /** How far to the right the text of this line begins, "- " counted in: what is nested needs a column each time. */
  let indent = 0;
  let isStart = true;
  let isText = false;
  for (const token of new Lexer().lex(source)) {
    const type: CST.TokenType | null = isText ? null : CST.tokenType(token);
    isText = type === 'scalar';
    // These stand for something, and are not in the source.
    if (isText || type === 'doc-mode' || type === 'flow-error-end') continue;
    switch (type) {
      case 'newline':
        [indent, isStart] = [0, true];
        break;
      case null:
        // Text. That of a block ends with its line.
        isStart = token.endsWith('\n');
        if (isStart) indent = 0;
        break;
      case 'space':
        if (isStart && flow === 0) indent += token.length;
        break;
      case 'flow-map-start':
      case 'flow-seq-start':
        flow += 1;
        isStart = false;
        break;
      case 'flow-map-end':
      case 'flow-seq-end':
        flow = Math.max(0, flow - 1);
        isStart = false;
        break;
      case 'seq-item-ind':
      case 'explicit-key-ind':
        entries += 1;
        if (isStart) indent += 1;
        break;
      case 'map-value-ind':
      case 'comma':
        entries += 1;
        isStart = false;
        break;
      default:
        isStart = false;
    }
    // Within brackets how lines are indented means nothing. Two spaces a level are what everybody writes.
    const isBlank = type === 'space' || type === 'newline' || type === 'comment';
    if (flow > limits.depth || (flow === 0 && !isBlank && indent > 2 * limits.depth)) {
      const hint = 'Write it flatter; see whether a bracket is not closed.';
      return { offset, message: `this is nested more than ${limits.depth} levels deep`, hint };
    }
    if (entries > most) {
      const hint = 'Make several files of it; rows that are alike can be one row with a list.';
      return { offset, message: `the file has more than ${most} keys and list entries`, hint };
    }
    offset += token.length;
  }
  return undefined;
}

/** Whether there is too little in a file for anything to be too much, wherever it stands: so it is with most, and quick to see. */
function cannotExceed(source: string, most: number): boolean {
  const count = (signs: RegExp) => source.match(signs)?.length ?? 0;
  const isFlat = !new RegExp(`^[ \\t?-]{${2 * limits.depth + 1}}`, 'm').test(source);
  return isFlat && count(/[[{]/g) <= limits.depth && count(/[-?:,]/g) <= most;
}

/** What the aliases of a document stand for. */
const targets = new WeakMap<Document, ReadonlyMap<Alias, Node>>();

/** The last node before an alias that has its anchor. Its own `resolve` walks through the whole document each time. */
export function targetOf(alias: Alias, document: Document): Node | undefined {
  let known = targets.get(document);
  if (known === undefined) {
    const anchored = new Map<string, Node>();
    const found = new Map<Alias, Node>();
    visit(document, {
      Node(_, node) {
        if (!isAlias(node)) {
          if (node.anchor !== undefined) anchored.set(node.anchor, node);
          return;
        }
        const target = anchored.get(node.source);
        if (target !== undefined) found.set(node, target);
      },
    });
    known = found;
    targets.set(document, known);
  }
  return known.get(alias);
}

/** The same for what a parsed document is once its aliases are followed, each at the place where it stands. */
export function expandedExcess(
  document: Document,
  most: number = limits.expandedEntries,
): Excess | undefined {
  const sizes = new Map<unknown, number>();
  let excess: Excess | undefined;
  const sizeOf = (node: unknown): number => {
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value);
    if (isAlias(node)) {
      const size = sizes.get(targetOf(node, document)) ?? 1;
      if (size > most) excess ??= tooMany(node, most);
      return size;
    }
    if (!isCollection(node)) return 1;
    let size = 1;
    for (const item of node.items) {
      size += sizeOf(item);
      if (size > most) excess ??= tooMany((isPair(item) ? item.value : item) as Node | null, most);
    }
    // An alias stands behind its anchor, so that this is known when it is needed.
    if (node.anchor !== undefined) sizes.set(node, size);
    return size;
  };
  sizeOf(document.contents);
  return excess;
}

/**
 * Where a key stands that is in its map twice. For documents that are parsed with `uniqueKeys: false`, because the parser
 * would compare every key of a map with every other one.
 */
export function sameKey(document: Document): number | undefined {
  let found: number | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : key;
        if (seen.has(name)) found ??= (key as Node).range?.[0];
        seen.add(name);
      }
    },
  });
  return found;
}

function tooMany(node: Node | null, most: number): Excess {
  return {
    offset: node?.range?.[0] ?? 0,
    message: `the aliases up to here stand for more than ${most} keys and list entries`,
    hint: 'Write out what is meant instead of aliases of aliases.',
  };
}
