/** The secrets that this process has made or was given, found again in whatever form they are written. */
import { characterAt } from './spelling.ts';

/** Shorter ones could be words. */
const shortest = 16;
const shortestText = 6;

/** Base64url and base64 as numbers of 6 bits; undefined for all other characters. */
const sextets: readonly (number | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/'.indexOf(
    String.fromCharCode(code),
  );
  return at < 0 ? undefined : at < 64 ? at : at - 2;
});

const none = 64;

/** A text as sextets, each with where it begins and ends. White space and padding stand for nothing. */
interface Skeleton {
  readonly values: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly length: number;
}

function skeletonOf(text: string): Skeleton {
  const values = new Uint8Array(text.length);
  const starts = new Int32Array(text.length);
  const ends = new Int32Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const { character, length: spelt } = characterAt(text, at);
    if (!/[\s=]|^$/.test(character)) {
      values[length] = sextets[character.charCodeAt(0)] ?? none;
      starts[length] = at;
      ends[length] = at + spelt;
      length += 1;
    }
    at += spelt;
  }
  return { values, starts, ends, length };
}

export class KnownSecrets {
  readonly #known = new Set<string>();
  readonly #texts = new Set<string>();
  /** What to look for, by its first three sextets. */
  readonly #forms = new Map<number, Uint8Array[]>();

  /** @param secret base64url or base64; what is too short to be one is not looked for */
  add(secret: string): void {
    const { values, length } = skeletonOf(secret);
    const plain = values.slice(0, length);
    if (length < shortest || plain.includes(none) || this.#known.has(secret)) return;
    this.#known.add(secret);
    this.#look(plain);
    // Encoded once more, as in Basic authentication, it begins at one of three bits; its ends depend on its neighbours.
    for (const before of [0, 1, 2]) {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
      const encoded = skeletonOf(bytes.toString('base64'));
      const first = Math.ceil((before * 8) / 6);
      this.#look(encoded.values.slice(first, Math.floor((bytes.length * 8) / 6)));
    }
  }

  /** @param secret of any characters, which is found as it is written, in base64, and as a part of an address */
  addText(secret: string): void {
    if (secret.length < shortestText) return;
    const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
    for (const text of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64])
      this.#texts.add(text);
  }

  #look(form: Uint8Array): void {
    const key = keyAt(form, 0);
    this.#forms.set(key, [...(this.#forms.get(key) ?? []), form]);
  }

  /** The text with each secret replaced, also one that is cut off. Linear in the length of the text. */
  hide(text: string, replacement: string): string {
    let plain = text;
    for (const secret of this.#texts) plain = plain.replaceAll(secret, () => replacement);
    return this.#hideForms(plain, replacement);
  }

  #hideForms(text: string, replacement: string): string {
    if (this.#forms.size === 0 || text.length < shortest) return text;
    const { values, starts, ends, length } = skeletonOf(text);
    let shown = '';
    let from = 0;
    for (let at = 0; at + shortest <= length; at += 1) {
      const forms = this.#forms.get(keyAt(values, at));
      if (forms === undefined) continue;
      const found = Math.max(...forms.map((form) => sameLength(form, values, at, length)));
      if (found < shortest) continue;
      shown += text.slice(from, starts[at]) + replacement;
      from = ends[at + found - 1] ?? from;
      at += found - 1;
    }
    return from === 0 ? text : shown + text.slice(from);
  }
}

function keyAt(values: Uint8Array, at: number): number {
  return ((values[at] ?? none) << 14) | ((values[at + 1] ?? none) << 7) | (values[at + 2] ?? none);
}

/** How many sextets of the form stand at this place. */
function sameLength(form: Uint8Array, values: Uint8Array, at: number, length: number): number {
  let same = 0;
  while (same < form.length && at + same < length && form[same] === values[at + same]) same += 1;
  return same;
}
