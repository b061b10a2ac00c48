/**
 * Text from outside, made harmless before people or programs of theirs read it. Files of pull requests, responses of a mesh
 * and messages of tools could otherwise move the cursor, change what stands beside them, or give orders to a CI system.
 */
import { randomBytes } from 'node:crypto';

/**
 * What has no look of its own or changes the look of what stands beside it: controls but tab and line feed, marks of
 * direction (UAX 9), invisible separators, joiners and tags, line and paragraph separators, noncharacters, and lone
 * surrogates. Selectors of the look of an emoji stay.
 */
const unseen = /(?![\t\n]|\ufe0e|\ufe0f)[\p{Cc}\p{DI}\p{Zl}\p{Zp}\p{Cs}\p{NChar}\ufff9-\ufffb]/gu;

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

/** The text as one visible line: line breaks, tabs and runs of spaces become one space. */
export function oneLine(text: string): string {
  return visible(text.replace(/[\s\u0085]+/g, ' ')).trim();
}

/** The text as one line in which line breaks are to be seen, too: for quoting what somebody has written. */
export function quotable(text: string): string {
  return visible(text.replaceAll('\r\n', '\r\r\n')).replaceAll('\n', '⟦U+000A⟧');
}

/** What ends a line for the runner of GitHub Actions. */
export const lineBreak = /\r\n|[\r\n]/;

/** Characters that the runner skips: white space before a command, and anywhere what has no weight when comparing text. */
const nothing = String.raw`[\p{C}\p{DI}]*`;
const command = new RegExp(String.raw`^([\s\p{C}\p{DI}]*:${nothing})(?=:)`, 'u');
const oldCommand = new RegExp(String.raw`(#${nothing}#${nothing})(?=\[)`, 'gu');

/**
 * The text with a space in whatever the runner of GitHub Actions would take for a command: `::` at the start of a line,
 * and `##[` anywhere, the older form that it still obeys.
 */
export function inert(text: string): string {
  return text.replace(/[^\r\n]+/g, (line) => line.replace(command, '$1 ').replace(oldCommand, '$1 '));
}

/** JSON of the value as it may stand in any log: what is not harmless in a text is escaped, so that no value changes. */
export function harmlessJson(value: unknown, indent?: number): string {
  const escaped = (text: string) =>
    Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join('');
  return JSON.stringify(value, null, indent)
    .replace(unseen, escaped)
    .replace(/#(?=[\p{C}\p{DI}]*#)/gu, escaped);
}

/** Nobody outside of this process can know it, so what stands between these was written by {@link own}. */
const secret = randomBytes(12).toString('hex');
const [begin, end] = [`<${secret}:`, `:${secret}>`];
const marked = new RegExp(`${begin}(.*?)${end}`, 's');

/** Our own escape sequence, control character or command to a CI system, which a {@link HarmlessOutput} lets through. */
export function own(sequence: string): string {
  return begin + sequence + end;
}

/** Whatever takes text. */
export interface Output {
  write(text: string): unknown;
}

export interface HarmlessOptions {
  /** Whether the runner of GitHub Actions reads it. */
  readonly github?: (() => boolean) | undefined;
  /** What is to become of all text, before it is made harmless. */
  readonly change?: ((text: string) => string) | undefined;
}

/** The way of all text to a terminal or a log: only what is {@link own} goes through as it is. */
export class HarmlessOutput implements Output {
  readonly #stream: Output;
  readonly #isGitHub: () => boolean;
  readonly #change: (text: string) => string;
  /** The line that was begun and not ended, as it was written: a command may come in pieces. */
  #line = '';

  constructor(stream: Output, { github = () => false, change = (text) => text }: HarmlessOptions = {}) {
    this.#stream = stream;
    this.#isGitHub = github;
    this.#change = change;
  }

  /** The stream itself when it is one already. */
  static over(stream: Output, options?: HarmlessOptions): HarmlessOutput {
    return stream instanceof HarmlessOutput ? stream : new HarmlessOutput(stream, options);
  }

  write(text: string): unknown {
    const parts = text.split(marked);
    return this.#stream.write(
      parts.map((part, index) => (index % 2 === 1 ? this.#own(part) : this.#cleaned(part))).join(''),
    );
  }

  #own(sequence: string): string {
    // The runner does not skip it, so no command begins behind it: as behind any letter.
    this.#line = sequence.endsWith('\n') ? '' : `${this.#line}x`;
    return sequence;
  }

  #cleaned(text: string): string {
    const shown = visible(this.#change(text));
    if (!this.#isGitHub()) return shown;
    const line = inert(this.#line + shown);
    const written = line.slice(this.#line.length);
    this.#line = line.slice(line.lastIndexOf('\n') + 1);
    return written;
  }
}
