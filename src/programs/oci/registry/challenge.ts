/** Reads WWW-Authenticate: what a registry wants to see before it answers (RFC 9110, section 11.6.1). */

export interface Challenge {
  /** In lower case: bearer, basic. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const separators = /[\s,]*/y;
const parameter = /([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+))/y;
const word = /[\w-]+/y;

/** The challenges of the header, in order. What cannot be read ends the list. */
export function challengesOf(header: string | string[] | undefined): Challenge[] {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(separators);
    // A name with `=` belongs to the challenge before it; a name alone begins the next one.
    const pair = take(parameter);
    const scheme = pair === null ? take(word) : null;
    if (pair !== null) {
      const value = pair[2]?.replaceAll(/\\(.)/g, '$1') ?? pair[3]!;
      found.at(-1)?.parameters.set(pair[1]!.toLowerCase(), value);
    } else if (scheme !== null) {
      found.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
    } else {
      return found;
    }
  }
}
