/** Just enough XML to write reports: elements, attributes, text. */
import { visible } from '../../base/harmless.ts';

export interface XmlElement {
  readonly name: string;
  /** In the order in which they are written; undefined ones are left out. */
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly children: readonly XmlElement[] | string;
}

export function element(
  name: string,
  attributes: XmlElement['attributes'] = {},
  children: XmlElement['children'] = [],
): XmlElement {
  return { name, attributes, children };
}

/**
 * Text content. What {@link visible} writes out is also what XML 1.0 (production Char) has no way to write. `>` is escaped
 * too, so that `]]>` cannot appear.
 */
function escapeText(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** An attribute value for double quotes. White space but the space would be read as a space, hence the references. */
function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}

/** The document with its declaration, indented by two spaces; white space in text is kept as it is. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${lines(root, '').join('\n')}\n`;
}

function lines(node: XmlElement, indent: string): string[] {
  let tag = `${indent}<${node.name}`;
  for (const [name, value] of Object.entries(node.attributes)) {
    if (value !== undefined) tag += ` ${name}="${escapeAttribute(String(value))}"`;
  }
  if (node.children.length === 0) return [`${tag}/>`];
  if (typeof node.children === 'string') return [`${tag}>${escapeText(node.children)}</${node.name}>`];
  return [
    `${tag}>`,
    ...node.children.flatMap((child) => lines(child, `${indent}  `)),
    `${indent}</${node.name}>`,
  ];
}
