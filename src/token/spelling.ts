/** The ways in which tools spell one character of a token: as it is, or escaped for JSON, an address or HTML. */

const escapes =
  /%(?:25)*([0-9a-f]{2})|\\{1,16}(?:(?:u00|x)([0-9a-f]{2})|([nrt/])|\r?\n)|&#x([0-9a-f]{2});|&#(\d{2,3});/giy;

const ofLetter: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '/': '/' };

/** The character at this place, and how many characters spell it. */
export function characterAt(
  text: string,
  at: number,
): { readonly character: string; readonly length: number } {
  const first = text.charAt(at);
  if (first === '%' || first === '\\' || first === '&') {
    escapes.lastIndex = at;
    const match = escapes.exec(text);
    if (match !== null) {
      const [all, percent, json, letter, hex, decimal] = match;
      const code = percent ?? json ?? hex;
      const character =
        letter !== undefined
          ? (ofLetter[letter.toLowerCase()] ?? '')
          : String.fromCharCode(code === undefined ? Number(decimal ?? 10) : Number.parseInt(code, 16));
      return { character, length: all.length };
    }
  }
  return { character: first, length: 1 };
}

/** The text without escapes, in the alphabet of base64url and without padding. */
export function plainSpelling(text: string): string {
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const { character, length } = characterAt(text, at);
    plain += character;
    at += length;
  }
  return plain.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
