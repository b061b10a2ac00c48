/** HTML that is safe by construction: text becomes markup in one place only, the tag `html`, which escapes it. */

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

/**
 * What has no look of its own or changes the look of what stands beside it: controls but tab and line feed, marks of
 * direction (UAX 9), invisible separators and joiners, line and paragraph separators, tags, and lone surrogates.
 */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** Colours of a terminal, which tell a reader nothing: SGR of ECMA-48. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
const colours = /\u001b\[[0-9;]*m/g;

/**
 * The text with everything unseen written out as its code point, such as `⟦U+202E⟧`. CR LF becomes a line feed, and
 * colours of a terminal are left out.
 */
export function visible(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(colours, '')
    .replace(
      unseen,
      (character) => `⟦U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟧`,
    );
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
