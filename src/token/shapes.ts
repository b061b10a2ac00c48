/** What looks like a secret, whoever has made it: signatures of tokens, and private parts of keys. */
import { isMap } from '../base/kube-object.ts';
import { plainSpelling } from './spelling.ts';

export const signature = '<signature>';
const secret = '<secret>';

/** Members of an object that are secret when it has one of the others (RFC 7517 and 7518; RFC 7515, section 7.2). */
const secretMembers: readonly (readonly [
  marks: readonly string[],
  members: readonly string[],
  shown: string,
])[] = [
  [['kty'], ['k', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'r', 't'], secret],
  [['payload', 'protected'], ['signature'], signature],
];

/** What is to be shown instead of members of an object with these names. */
export function hiddenMembers(names: readonly string[]): Map<string, string> {
  const found = secretMembers.filter(([marks]) => marks.some((mark) => names.includes(mark)));
  return new Map(found.flatMap(([, members, shown]) => members.map((name) => [name, shown] as const)));
}

/** Objects in JSON, also in JSON that is a text of JSON, which have at most one level of objects in them. */
const objects = /\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g;
const inner = /(\{[^{}]*\})/;
const member =
  /(?<!\w)(\\{0,16}["']?)(\w{1,40})\1(\s{0,80}:\s{0,80})(?:(\\{0,16}["'])(.*?)\4|[^\s,{}[\]"'\\]+)/gs;

function withoutKeys(text: string): string {
  return text.replace(objects, (object) => {
    const parts = object.slice(1, -1).split(inner);
    const names = namesIn(parts.filter((_, index) => index % 2 === 0).join(' '));
    // Further primes of an RSA key are objects in it (RFC 7518, section 6.3.2.7).
    const within = /\both\b/.test(object) ? names : [];
    const shown = parts.map((part, index) =>
      index % 2 === 0 ? withoutMembers(part, names) : withoutMembers(part, [...within, ...namesIn(part)]),
    );
    return `{${shown.join('')}}`;
  });
}

function namesIn(text: string): string[] {
  return [...text.matchAll(member)].map(([, , name = '']) => name);
}

function withoutMembers(text: string, names: readonly string[]): string {
  const hidden = hiddenMembers(names);
  if (hidden.size === 0) return text;
  return text.replace(member, (all, quote, name, colon, around = quote) => {
    const shown = hidden.get(name);
    return shown === undefined ? all : `${quote}${name}${quote}${colon}${around}${shown}${around}`;
  });
}

const letter = String.raw`(?:[\w+/-]|%(?:25)*(?:2b|2f|2d|5f)|\\{1,16}u00(?:2b|2f|2d|5f)|\\{1,16}/)`;
const padding = String.raw`(?:=|%(?:25)*3d|\\{1,16}u003d)`;
const gap = String.raw`(?:\s|%(?:25)*(?:20|0a|0d|09)|\\{1,16}u00(?:20|0a|0d|09)|\\{1,16}[nrt]){0,80}`;
const dot = String.raw`(?:\.|%(?:25)*2e|\\{1,16}(?:u00|x)2e|&#46;|&#x2e;)`;
const pieces = new RegExp(`(${letter}+${padding}*)|${gap}${dot}${gap}`, 'gi');

interface Section {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Whether white space stands before it. */
  readonly isApart: boolean;
}

/** Sections with nothing but dots, and white space around these, between them. */
function chainsIn(text: string): Section[][] {
  const chains: Section[][] = [];
  let chain: Section[] = [];
  let before: { readonly end: number; readonly isDot: boolean } | undefined;
  for (const { index: start, 0: piece, 1: section } of text.matchAll(pieces)) {
    const end = start + piece.length;
    const isDot = section === undefined;
    if (before?.end !== start || !(isDot || before.isDot)) {
      chain = [];
      chains.push(chain);
    }
    if (!isDot) chain.push({ text: section, start, end, isApart: wasApart(text, chain, start) });
    // Two dots have an empty section between them.
    else if (before?.isDot) chain.push({ text: '', start, end: start, isApart: false });
    before = { end, isDot };
  }
  return chains;
}

function wasApart(text: string, chain: readonly Section[], start: number): boolean {
  const before = chain.at(-1);
  return before !== undefined && /\s/.test(text.slice(before.end, start));
}

/** The text of a JOSE header (RFC 7515, section 4), however it is printed and whatever stands before it; else undefined. */
function headerIn(section: string): string | undefined {
  const plain = plainSpelling(section);
  const decoded = (from: number, to?: number) =>
    Buffer.from(plain.slice(from, to), 'base64url').toString('latin1');
  const whole = Buffer.from(plain, 'base64url').toString('utf8').trimStart();
  if (/^\{\s*["}]/.test(whole)) return whole;
  // `{` with a quote or white space behind it.
  for (const { index } of plain.matchAll(/e[wy]/g)) {
    if (/^\{\s*"/.test(decoded(index, index + 64))) return decoded(index, index + 4096);
  }
  return undefined;
}

/** The sections that are secret, together for each token: those behind a header and claims. */
function secretsOf(chain: readonly Section[]): Section[][] {
  const found: Section[][] = [];
  const filled = chain.findLastIndex(({ text }) => text !== '');
  let from = 0;
  for (const [index, { text }] of chain.entries()) {
    const first = index + 2;
    if (index < from || first > filled) continue;
    const header = headerIn(text);
    if (header === undefined) continue;
    // Behind an unsigned token and white space another one may begin.
    const third = chain[first];
    if (third?.isApart && first + 2 < chain.length && headerIn(third.text) !== undefined) {
      from = first;
      continue;
    }
    // All five parts of an encrypted token (RFC 7516) belong together; behind a signature a new sentence may begin.
    from = header.includes('"enc"') ? chain.length : first + 1;
    while (chain[from]?.isApart === false) from += 1;
    found.push(chain.slice(first, from));
  }
  return found;
}

/**
 * The sections of a token that are secret; none when it is not one. Where one token follows another, header and claims of
 * the second are none: other tokens begin with the same header, and would not be known as tokens without it.
 */
export function secretSections(token: string): string[] {
  return chainsIn(token).flatMap((chain) =>
    secretsOf(chain)
      .flat()
      .map(({ text }) => plainSpelling(text))
      .filter((section) => !isObject(section)),
  );
}

/** Whether a section is an object in JSON, as a header and claims are. */
function isObject(section: string): boolean {
  try {
    return isMap(JSON.parse(Buffer.from(section, 'base64url').toString('utf8')));
  } catch {
    return false;
  }
}

/** Base64 of so many characters may be that of a token. */
const longEnough = 32;
/** How often a token may be encoded. */
const deepest = 3;

/**
 * The text without anything that looks like a secret. Linear in the length of the text, whatever it is.
 *
 * @param hide what is to become of texts that are encoded in it
 */
export function withoutShapes(text: string, hide: (text: string) => string, depth = 0): string {
  const plain = withoutKeys(text);
  let shown = '';
  let from = 0;
  const replace = (start: number, end: number, replacement: string) => {
    shown += plain.slice(from, start) + replacement;
    from = end;
  };
  for (const chain of chainsIn(plain)) {
    const lasts = new Map(secretsOf(chain).map((sections) => [sections[0], sections.at(-1)]));
    for (const section of chain) {
      const { text: encoded, start, end } = section;
      const last = lasts.get(section);
      if (last !== undefined) replace(start, last.end, signature);
      if (start < from || encoded.length < longEnough || depth >= deepest) continue;
      const inner = Buffer.from(plainSpelling(encoded), 'base64url').toString('latin1');
      const harmless = withoutShapes(hide(inner), hide, depth + 1);
      if (harmless !== inner) replace(start, end, Buffer.from(harmless, 'latin1').toString('base64'));
    }
  }
  return shown + plain.slice(from);
}
