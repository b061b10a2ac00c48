/** Text that nobody expects, for properties. */
import fc from 'fast-check';

/** Any UTF-16, with lone surrogates, and often one of these, which mean something to who reads it. */
export function oddText(...marks: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.array(fc.constantFrom(...marks)).map((parts) => parts.join('')),
  );
}
