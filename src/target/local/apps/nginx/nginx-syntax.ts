/**
 * The syntax of nginx configuration files, without the meaning of any directive.
 * Source: https://nginx.org/en/docs/beginners_guide.html#conf_structure and nginx 1.22 itself.
 */
import { HarnessError } from '../../../../base/errors.ts';

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
  readonly block?: readonly Directive[];
}

interface Token {
  readonly kind: 'word' | ';' | '{' | '}' | 'end';
  readonly text: string;
  readonly line: number;
}

/** Makes the error for a file that nginx itself would refuse. */
export function refused(message: string, file: string, line: number): HarnessError {
  return new HarnessError('E_NOT_READY', `nginx would not start: ${message} (file ${file}, line ${line})`, {
    hint: 'Correct the configuration; nginx on a cluster refuses it too.',
  });
}

/** @throws HarnessError E_NOT_READY with file and line */
export function parseConfiguration(source: string, file: string): Directive[] {
  // The blocks that are open, innermost last. Not recursive: nesting must not exhaust the stack.
  const open: Directive[][] = [[]];
  let words: Token[] = [];
  for (const token of tokens(source, file)) {
    const current = open[open.length - 1]!;
    const [first, ...rest] = words;
    if (token.kind === 'word') {
      words.push(token);
    } else if (token.kind === ';' || token.kind === '{') {
      if (first === undefined) throw refused(`unexpected "${token.text}"`, file, token.line);
      const directive = { name: first.text, args: rest.map(({ text }) => text), line: first.line };
      const block: Directive[] = [];
      current.push(token.kind === '{' ? { ...directive, block } : directive);
      if (token.kind === '{') open.push(block);
      words = [];
    } else {
      const ended = token.kind === 'end' ? 'unexpected end of file' : 'unexpected "}"';
      if (first !== undefined) throw refused(`${ended}, expecting ";" or "{"`, file, token.line);
      if (token.kind === 'end' && open.length > 1) throw refused(`${ended}, expecting "}"`, file, token.line);
      if (token.kind === '}' && open.length === 1) throw refused(ended, file, token.line);
      open.pop();
      if (token.kind === 'end') return current;
    }
  }
  throw new HarnessError('E_INTERNAL', 'an nginx configuration had no end');
}

function* tokens(source: string, file: string): Generator<Token> {
  let line = 1;
  // Blanks and comments, then one token. A word may contain { after $ only, and }, # and quotes except at its start.
  // The last alternative is empty, so that a match is always found without going back.
  const pattern =
    /((?:[ \t\r\n]|#[^\n]*)*)(?:([;{}])|"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|((?:\$\{|\\[\s\S]|[^ \t\r\n;{}"'#\\])(?:\$\{|\\[\s\S]|[^ \t\r\n;{\\])*)|$|)/y;
  for (;;) {
    const start = pattern.lastIndex;
    const match = pattern.exec(source)!;
    const [all, blank = '', mark, double, single, bare] = match;
    line += count(blank);
    const quoted = double ?? single;
    const text = quoted ?? bare;
    if (mark !== undefined) yield { kind: mark as ';' | '{' | '}', text: mark, line };
    else if (text !== undefined) yield { kind: 'word', text: unescaped(text), line };
    else if (start + all.length === source.length) return yield { kind: 'end', text: '', line };
    else throw refused('unexpected end of file: a quote or a backslash is left open', file, line);
    line += count(text ?? '');
    const next = source[pattern.lastIndex];
    if (quoted !== undefined && next !== undefined && !/[ \t\r\n;{]/.test(next)) {
      throw refused(`unexpected ${JSON.stringify(next)} after a quote`, file, line);
    }
  }
}

/** Only these are escapes to nginx; in others the backslash stays. */
function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };
  return text.replaceAll(/\\(["'\\trn])/g, (_, character: string) => letters[character] ?? character);
}

function count(text: string): number {
  return text.split('\n').length - 1;
}
