/** Source maps with one segment for each line (https://tc39.es/ecma426/): all that editors need to find a test. */
import type { Place } from '../errors.ts';

/** A map, as Vite takes it from plugins. */
export interface SourceMap {
  readonly version: 3;
  readonly sources: string[];
  readonly names: string[];
  readonly mappings: string;
}

/** @param places for each line of the code, where it comes from in the file; undefined for lines that come from nowhere */
export function sourceMap(
  file: string,
  places: readonly (Pick<Place, 'line' | 'column'> | undefined)[],
): SourceMap {
  let [line, column] = [0, 0];
  const lines = places.map((place) => {
    if (place === undefined) return '';
    // Column of the code, index of the source, and line and column from 0, each relative to the segment before.
    const segment = [0, 0, place.line - 1 - line, place.column - 1 - column].map(base64Vlq).join('');
    [line, column] = [place.line - 1, place.column - 1];
    return segment;
  });
  return { version: 3, sources: [file], names: [], mappings: lines.join(';') };
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Five bits a digit, the lowest first, with the sign as the lowest bit of all. */
function base64Vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = '';
  do {
    const more = rest > 31 ? 32 : 0;
    text += digits[(rest & 31) | more];
    rest >>>= 5;
  } while (rest > 0);
  return text;
}
