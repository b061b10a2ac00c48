/** Just enough XML to write reports: elements, attributes, text. */
import { printable } from './text.ts';

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
 * Makes text legal in XML 1.0 (production Char): control characters but tab and line breaks, lone surrogates, U+FFFE
 * and U+FFFF cannot be written even as references, so they become U+FFFD.
 */
function legal(text: string): string {
  return printable(text).replace(/[\ufffe\uffff]/g, '\ufffd');
}

/** Text content. `>` is escaped too, so that `]]>` cannot appear; a carriage return would be read as a line feed. */
function escapeText(text: string): string {
  return legal(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;');
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
