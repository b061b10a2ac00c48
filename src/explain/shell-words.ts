/** The words of a command, as a shell makes them: quotes, backslashes, variables. Nothing is run. */
import { HarnessError } from '../base/errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What `$'…'` has behind a backslash, other than numbers. */
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  e: '\x1b',
};

/**
 * Words of the first command of a line: what stands behind `|`, `;` and `&&` is another one, and where output goes is no
 * part of it. Within a word `&` and `;` are taken for what they are in an address, because people forget its quotes.
 *
 * @param env for `$NAME` and `${NAME}`
 * @throws HarnessError E_USAGE for a line that is not whole, or that only a shell could read
 */
export function shellWords(line: string, env: Env): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let isTarget = false;
  const end = () => {
    if (word !== undefined && !isTarget) words.push(word);
    if (word !== undefined) isTarget = false;
    word = undefined;
  };
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] ?? '';
    const rest = line.slice(at);
    if (quote === "'") {
      if (sign === quote) quote = '';
      else word += sign;
      continue;
    }
    const ansi = quote === '' ? /^\$'((?:\\.|[^'\\])*)'/s.exec(rest) : null;
    const variable = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(rest);
    if (ansi !== null) {
      word = (word ?? '') + unescaped(ansi[1] ?? '');
      at += ansi[0].length - 1;
    } else if (sign === '`' || rest.startsWith('$('))
      throw wrong('the curl line runs a command', 'Put what it prints into a variable, and use that.');
    else if (variable !== null) {
      word = (word ?? '') + variableValue(variable[1] ?? variable[2] ?? '', env);
      at += variable[0].length - 1;
    } else if (rest.startsWith('${'))
      throw wrong(
        `the curl line has ${/^\$\{[^}]*\}?/.exec(rest)}, which only a shell can fill in`,
        'Put its value into a variable, and write $NAME.',
      );
    else if (quote === '"') {
      if (sign === quote) quote = '';
      else if (sign !== '\\' || !'"\\$`\n'.includes(line[at + 1] ?? ' ')) word += sign;
      else if (line[++at] !== '\n') word = (word ?? '') + line[at];
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      word ??= '';
    } else if (sign === '\\') {
      const next = /^\\\r?\n/.exec(rest);
      if (next === null) word = (word ?? '') + (line[++at] ?? '');
      else at += next[0].length - 1;
    } else if (/\s/.test(sign)) end();
    else if (rest.startsWith('<<')) {
      // The text of a body follows in other lines.
      end();
      return words;
    } else if (sign === '<' || sign === '>') {
      // `2>` is about output 2, and `>&1` is a whole.
      if (/^\d+$/.test(word ?? '')) word = undefined;
      end();
      isTarget = true;
      at += (/^[<>]+&?/.exec(rest)?.[0].length ?? 1) - 1;
    } else if (sign === '|' || (/[;&]/.test(sign) && (word === undefined || /^[;&]+(?:\s|$)/.test(rest)))) {
      end();
      return words;
    } else word = (word ?? '') + sign;
  }
  if (quote !== '') throw wrong(`a quote (${quote}) in the curl line is not closed`);
  end();
  return words;
}

function variableValue(name: string, env: Env): string {
  const value = env[name];
  if (value === undefined)
    throw wrong(`the curl line uses $${name}, which is not set`, `Set it: export ${name}=…`);
  return value;
}

/** Between `$'` and `'`. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{1,2})|u([0-9a-f]{1,4})|([0-7]{1,3})|(.))/gis,
    (_, hex?: string, unicode?: string, octal?: string, letter = '') => {
      const code = hex ?? unicode ?? octal;
      if (code === undefined) return escapes[letter] ?? letter;
      return String.fromCharCode(Number.parseInt(code, octal === undefined ? 16 : 8));
    },
  );
}

export function wrong(
  message: string,
  hint = 'Write it as for a shell: \'curl -H "Authorization: Bearer …" http://httpbin.foo:8000/ip\'.',
): HarnessError {
  return new HarnessError('E_USAGE', message, { hint });
}
