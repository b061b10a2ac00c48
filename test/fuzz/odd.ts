/** What nobody expects: odd values, and ways to put them into something that was right. */
import fc from 'fast-check';
import { stringify } from 'yaml';

/** Nested maps or lists, as deep as said. */
function nested(depth: number, isList: boolean): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = isList ? [value] : { a: value };
  return value;
}

const words = [
  ...[
    '',
    ' ',
    '*',
    '**',
    '-',
    '~',
    '.',
    '..',
    '/',
    '//',
    '{}',
    '[]',
    'null',
    'true',
    '0',
    '-1',
    '1.30',
    '07',
    '1e3',
  ],
  ...['__proto__', 'constructor', 'toString', 'columns', 'no token', 'hasOwnProperty', 'then', 'length'],
  ...[
    '${',
    '${}',
    '$${',
    '${now}',
    '${now-1}',
    '${row}',
    '${column}',
    '${tokens.a}',
    '${tokens["a"]',
    '${issuers.__proto__}',
  ],
  ...[
    'http://',
    'https://a:b@[::1]:99999/%',
    '/../..//x',
    'a.b.c',
    '>=1.22 <1.2',
    '^^1',
    '*/*',
    'ns[a]-policy[b]-rule[9]',
  ],
  ...[
    '\u0000',
    '\u001b[31m',
    '\r\n',
    '\ud800',
    '\ufeff',
    '\u202e',
    '💥',
    'ä'.repeat(300),
    'x'.repeat(20_000),
  ],
  ...[
    '2026-13-45',
    '2026-01-01T00:00:00Z',
    'eyJhbGciOiJub25lIn0.e30.',
    'sha256:x',
    '{"keys":5}',
    '{"keys":[null]}',
  ],
];

const numbers = [0, -0, -1, 1.5, 99, 600, 2 ** 31, 2 ** 53, -(2 ** 53), 1e21, 1e308, 5e-324];

/** A value of any type, as JSON has them. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}], { '': null }),
  },
  { weight: 6, arbitrary: fc.constantFrom<unknown>(...words) },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(...numbers) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...words).map((word) => JSON.parse(`{${JSON.stringify(word)}: 1}`)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(20, 99, 101, 3_000), fc.boolean()).map(([d, l]) => nested(d, l)),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 3_000 }).map((n) => Array.from({ length: n }, (_, i) => i)),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
);

const change = fc.record({
  /** Which of the places in the value; taken modulo how many there are. */
  at: fc.nat(100_000),
  what: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'rename', 'repeat', 'wrap', 'swap'),
  value: oddValue,
  name: fc.constantFrom(...words),
});

interface Change {
  readonly at: number;
  readonly what: string;
  readonly value: unknown;
  readonly name: string;
}
type Holder = Record<string, unknown>;

/** A value as it was, but for one to three changes anywhere in it. */
export function changed(values: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.constantFrom(...values), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) => {
      const root = { root: structuredClone(value) };
      for (const each of changes) apply(root, each);
      return root.root;
    });
}

function apply(root: Holder, { at, what, value, name }: Change): void {
  const places: [holder: Holder, key: string][] = [];
  const left: unknown[] = [root];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const [key, each] of Object.entries(next as Holder)) {
      places.push([next as Holder, key]);
      if (typeof each === 'object' && each !== null && places.length < 5_000) left.push(each);
    }
  }
  const [holder, key] = places[at % places.length]!;
  const old = holder[key];
  // What is large already would soon fill the memory of the test itself.
  const isSmall = places.length < 2_000;
  const [other, otherKey] = places[(at * 7 + 3) % places.length]!;
  switch (what) {
    case 'replace':
      holder[key] = value;
      return;
    case 'remove':
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (holder !== root) delete holder[key];
      return;
    case 'rename':
      if (Array.isArray(holder)) return;
      Object.defineProperty(holder, name, {
        value: holder[key],
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return;
    case 'repeat':
      if (isSmall) holder[key] = [old, old, copyOf(old)];
      return;
    case 'wrap':
      holder[key] = { [name]: old };
      return;
    default:
      // A copy, so that nothing contains itself.
      if (isSmall) holder[key] = copyOf(other[otherKey]);
  }
}

/** A copy; of what is nested too deep to be copied, nothing. */
function copyOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return null;
  }
}

/** As YAML; what is nested too deep to be written is written as brackets. */
export function asYaml(value: unknown): string {
  try {
    return stringify(value, { lineWidth: 0 });
  } catch {
    return `deep: ${'['.repeat(3_000)}${']'.repeat(3_000)}\n`;
  }
}

const snippets = [
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '<<: [*a, *b]',
    '<<: {}',
    '? ',
    '? [a, b]\n: c',
    '- ',
    '- - - - ',
    ': ',
    ',',
    '#',
    ' #',
    '\t',
    '    ',
  ],
  ...[
    '"',
    "'",
    '|',
    '>',
    '|2-\n   x',
    '{',
    '}',
    '[',
    ']',
    '[*a, *a, *a]',
    '&b [*a, *a, *a, *a]',
    '---',
    '...',
    '%YAML 1.1\n---',
  ],
  ...[
    '!!binary aGk=',
    '!!set {a, b}',
    '!!int x',
    '!!float .nan',
    '!x y',
    '!!omap [a: 1]',
    '.inf',
    '-.NaN',
    '0x1F',
    '0o17',
    '017',
    '1_000',
  ],
  ...[
    '12345678901234567890',
    '1e999',
    '~',
    'null',
    'yes',
    '2026-01-01',
    '__proto__: 1',
    'constructor: {}',
    'a: 1\na: 2',
    '1: x\n"1": y',
  ],
  ...['${a}', "'${alg}': [200]", 'columns: [a, a]', '\u0000', '\ud800', '\ufeff', '\u2028', '\r', 'é'],
];

/** Text as it was, but for one to eight changes of its lines and characters. */
export function changedText(texts: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.record({
    line: fc.nat(10_000),
    column: fc.nat(200),
    what: fc.constantFrom('insert', 'insert', 'replace', 'remove', 'repeat', 'move', 'cut', 'indent'),
    snippet: fc.constantFrom(...snippets, ...words),
  });
  return fc
    .tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 8 }))
    .map(([text, edits]) => {
      let lines = text.split('\n');
      for (const { line, column, what, snippet } of edits) {
        const at = line % lines.length;
        const old = lines[at] ?? '';
        const place = column % (old.length + 1);
        if (what === 'insert') lines[at] = old.slice(0, place) + snippet + old.slice(place);
        else if (what === 'replace')
          lines[at] = old.replace(/(:|-)( .*)?$/, () => `$1 ${snippet}`.replace('$1', ':'));
        else if (what === 'remove') lines.splice(at, 1);
        else if (what === 'repeat')
          lines.splice(at, 0, ...Array.from({ length: 1 + (column % 30) }, () => old));
        else if (what === 'move') lines.splice((at * 5) % lines.length, 0, ...lines.splice(at, 1));
        else if (what === 'cut') lines[at] = old.slice(0, place);
        else lines[at] = ' '.repeat(column % 9) + old;
        if (lines.length === 0) lines = [''];
      }
      return lines.join('\n');
    });
}

/** YAML out of nothing but its own signs. */
export const wildYaml: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.constantFrom('', '', '  ', '    ', '- ', '  - ', '? '),
      fc.constantFrom('name: ', 'steps: ', 'a: ', 'lists: ', 'tokens:\n  x: ', 'expect: ', '&a ', ''),
      fc.constantFrom(...snippets, ...words.slice(0, -1)),
    ),
    { maxLength: 40 },
  )
  .map((lines) => lines.map((parts) => parts.join('')).join('\n'));
