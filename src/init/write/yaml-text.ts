/** YAML as people write it: short lists and maps on one line. */
import { isDeepStrictEqual } from 'node:util';
import { Document, isCollection, isMap, isPair, isScalar, type Node, parse, stringify } from 'yaml';
import { escapeTemplate } from '../../scenario/template.ts';

const width = 100;

/** A document in which what is small stands on one line. */
export function documentOf(value: unknown): Document {
  const document = new Document(value, { aliasDuplicateObjects: false });
  compact(document.contents as Node);
  return document;
}

/** The document as text. */
export function print(document: Document): string {
  return tight(document.toString({ lineWidth: 0 }));
}

/** A value on one line, such as `{ issuer: a, audiences: [b] }`. */
export function inline(value: unknown): string {
  const options = { collectionStyle: 'flow', lineWidth: 0, aliasDuplicateObjects: false } as const;
  const text = tight(stringify(value, options)).trim();
  return text.includes('\n') ? JSON.stringify(value) : text;
}

/** Lists without blanks at their ends, as scenarios of the product are written. */
function tight(text: string): string {
  const tighter = text.replaceAll(
    /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\[ | \]/g,
    (match) => ({ '[ ': '[', ' ]': ']' })[match] ?? match,
  );
  // A text without quotes may have had brackets of its own.
  return isDeepStrictEqual(parse(tighter), parse(text)) ? tighter : text;
}

/** Each line further to the right; the first one behind a dash. */
export function asItem(text: string, indent: number): string {
  const blanks = ' '.repeat(indent);
  return text
    .trimEnd()
    .split('\n')
    .map((line, index) => (index === 0 ? `${blanks}- ${line}` : line === '' ? '' : `${blanks}  ${line}`))
    .join('\n');
}

/** @returns whether the node has nothing in it that must stand on lines of its own */
function compact(node: unknown): boolean {
  if (isPair(node)) return compact(node.value);
  if (!isCollection(node)) return !isScalar(node) || !String(node.value).includes('\n');
  // All of them, so that inner ones are compact even when this one is not.
  const inner = node.items.map(compact);
  const isShort = JSON.stringify(node).length < (isMap(node) ? 60 : width);
  const hasTemplate = JSON.stringify(node).includes('${');
  node.flow = inner.every(Boolean) && isShort && !hasTemplate;
  return node.flow;
}

/** What the user has written is no template of ours. */
export function escaped(node: unknown): unknown {
  if (typeof node === 'string') return escapeTemplate(node);
  if (Array.isArray(node)) return node.map(escaped);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [escapeTemplate(key), escaped(value)]),
  );
}
