/** Text that nobody expects, for properties. */
import fc from 'fast-check';

/** What markup has a meaning for, XML and HTML, and what is no part of either. */
export const markupMarks = [
  ...['<', '>', '&', '"', "'", '<!--', '-->', '&#0;'],
  ...['\u0000', '\u001b[31m', '\r\n', '\ud800', 'a', ' '],
];

/** Any UTF-16, with lone surrogates, and often one of these, which mean something to who reads it. */
export function oddText(...marks: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.array(fc.constantFrom(...marks)).map((parts) => parts.join('')),
  );
}
