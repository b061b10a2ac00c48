/** The syntax of `${…}` in scenario files. */

/** What stands between `${` and `}`: a name such as `issuers.sample.jwks`, or the time with an offset in seconds. */
export type Expression =
  | { readonly kind: 'name'; readonly names: readonly string[] }
  | { readonly kind: 'now'; readonly offset: number };

/** A piece of a text. `source` is how it is written, so that joining the sources gives the text again. */
export type Part =
  | { readonly kind: 'text'; readonly source: string; readonly text: string }
  | { readonly kind: 'expression'; readonly source: string; readonly expression: Expression }
  | { readonly kind: 'wrong'; readonly source: string; readonly message: string; readonly hint: string };

/**
 * Takes a text apart. `${…}` is an expression and `$${` a literal `${`; every other `$` stands for itself.
 * Never throws: what cannot be understood is a part of kind "wrong".
 */
export function parseTemplate(text: string): Part[] {
  const parts: Part[] = [];
  let literal = { source: '', text: '' };
  const endLiteral = () => {
    if (literal.source !== '') parts.push({ kind: 'text', ...literal });
    literal = { source: '', text: '' };
  };
  let index = 0;
  while (index < text.length) {
    if (text.startsWith('$${', index)) {
      literal = { source: `${literal.source}$\${`, text: `${literal.text}\${` };
      index += 3;
    } else if (text.startsWith('${', index)) {
      endLiteral();
      const end = closingBrace(text, index + 2);
      const source = text.slice(index, end === undefined ? text.length : end + 1);
      parts.push(end === undefined ? unclosed(source) : expressionPart(source));
      index += source.length;
    } else {
      const next = text.indexOf('$', index + 1);
      const piece = text.slice(index, next === -1 ? text.length : next);
      literal = { source: literal.source + piece, text: literal.text + piece };
      index += piece.length;
    }
  }
  endLiteral();
  return parts;
}

/** Writes a text so that {@link parseTemplate} takes all of it literally. */
export function escapeTemplate(text: string): string {
  return text.replaceAll('${', () => '$${');
}

/** Where the `}` is that ends an expression; one in quotes does not. */
function closingBrace(text: string, from: number): number | undefined {
  let quote: string | undefined;
  for (let index = from; index < text.length; index++) {
    const char = text[index]!;
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (char === '}') {
      return index;
    }
  }
  return undefined;
}

function unclosed(source: string): Part {
  return {
    kind: 'wrong',
    source,
    message: '"${" without a "}" that ends it',
    hint: 'Add the "}". For a literal "${" write "$${".',
  };
}

const now = /^now(?:\s*([+-])\s*(\d+))?$/;
const firstName = /^[A-Za-z_][\w-]*/;
const nextName = /^(?:\.([\w-]+)|\["([^"]+)"\]|\['([^']+)'\])/;

function expressionPart(source: string): Part {
  const inside = source.slice(2, -1).trim();
  const time = now.exec(inside);
  if (time !== null) {
    const offset = Number(time[2] ?? 0) * (time[1] === '-' ? -1 : 1);
    return { kind: 'expression', source, expression: { kind: 'now', offset: offset === 0 ? 0 : offset } };
  }
  const names: string[] = [];
  let rest = inside;
  for (let match = firstName.exec(rest); match !== null; match = nextName.exec(rest)) {
    names.push(match[1] ?? match[2] ?? match[3] ?? match[0]);
    rest = rest.slice(match[0].length);
  }
  if (rest === '' && names.length > 0)
    return { kind: 'expression', source, expression: { kind: 'name', names } };
  return {
    kind: 'wrong',
    source,
    message: `${source} is not an expression`,
    hint: wrongHint(inside),
  };
}

function wrongHint(inside: string): string {
  const root = /^([A-Za-z]+)\.(.+)$/.exec(inside);
  if (inside === '') return 'Write a name, such as ${issuers.sample.jwks}.';
  if (inside.startsWith('now')) return 'Write the time as ${now}, ${now+60} or ${now-3600}, in seconds.';
  if (root !== null && !root[2]!.includes('"')) {
    return `Names with spaces or dots stand in brackets and quotes: \${${root[1]}["${root[2]}"]}.`;
  }
  return 'Write a name such as ${issuers.sample.jwks} or ${tokens["not a JWT"]}; for a literal "${" write "$${".';
}
