/** Names that fit into a table and still tell meshes apart. */
import { oneLine } from '../harmless.ts';
import { displayWidth, truncate } from './text.ts';

/**
 * The names of meshes by their ids, each of at most `width` columns. When they are too long and begin alike, they lose what
 * they have in common: `…1.36.4` and `…1.40.0`.
 */
export function shortNames(meshes: readonly string[], width: number): Map<string, string> {
  const named = meshes.filter((mesh) => mesh !== '').map(oneLine);
  const isLong = named.some((name) => displayWidth(name) > width);
  const [first = '', ...others] = named;
  const parts = first.split('-');
  let alike = 0;
  const startsAlike = (count: number) => {
    const start = `${parts.slice(0, count).join('-')}-`;
    return others.every((name) => name.startsWith(start));
  };
  while (isLong && others.length > 0 && alike < parts.length - 1 && startsAlike(alike + 1)) alike += 1;
  const cut = alike === 0 ? 0 : parts.slice(0, alike).join('-').length + 1;
  return new Map(
    meshes.map((mesh) => {
      const name = oneLine(mesh);
      return [mesh, truncate(cut === 0 || name === '' ? name : `…${name.slice(cut)}`, width)];
    }),
  );
}
