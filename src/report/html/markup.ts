/** HTML that is safe by construction: text becomes markup in one place only, the tag `html`, which escapes it. */
import { visible } from '../../base/harmless.ts';

/** Markup. Made by {@link html} alone, so a string from outside can never pass for it. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

export type Part = Html | string | number | undefined | false | readonly Part[];

/**
 * A template of HTML. Strings and numbers are escaped, {@link Html} stands as it is, arrays are put in one after the
 * other, `undefined` and `false` leave nothing. Attribute values must stand in double quotes. Scripts and styles are
 * no place for values.
 */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = markup[0] ?? '';
  parts.forEach((part, index) => {
    text += written(part) + (markup[index + 1] ?? '');
  });
  return new Html(text);
}

function written(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.markup;
  if (typeof part === 'object') return part.map(written).join('');
  return escaped(String(part));
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** The text as HTML shows it, in an element or in an attribute in quotes. */
export function escaped(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, (character) => references[character] ?? character);
}

/** An absolute address that a reader may follow; undefined for any other scheme, `javascript:` before all. */
export function webAddress(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}

/** A relative path, with `/` or `\`, as a relative address: no part of it can be read as a scheme or as a query. */
export function pathAddress(path: string): string {
  return path
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .split(/[\\/]/)
    .map(encodeURIComponent)
    .join('/');
}
