/** Makes layers: tar archives with just the entries, in just the order, that a test wants. */
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

export interface TarEntry {
  readonly path: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'FIFO' | 'ExtendedHeader';
  readonly content?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
}

export const file = (path: string, content: string | Buffer, mode = 0o755): TarEntry => ({
  path,
  content,
  mode,
});
export const folder = (path: string): TarEntry => ({ path: `${path}/`, type: 'Directory', mode: 0o755 });
export const symlink = (path: string, link: string): TarEntry => ({ path, type: 'SymbolicLink', link });
export const hardLink = (path: string, link: string): TarEntry => ({ path, type: 'Link', link });

/** A file and the folders that lead to it, as builders write them. */
export function program(path: string, content: string | Buffer, mode = 0o755): TarEntry[] {
  const parts = path.split('/').slice(0, -1);
  return [...parts.map((_, index) => folder(parts.slice(0, index + 1).join('/'))), file(path, content, mode)];
}

export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const header = new Header({
      path: entry.path,
      type: entry.type ?? 'File',
      mode: entry.mode ?? 0o644,
      size: content.length,
      linkpath: entry.link ?? '',
    });
    const block = Buffer.alloc(512);
    if (header.encode(block, 0)) throw new Error(`${entry.path} does not fit into a header`);
    return [block, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const layerOf = (...entries: readonly TarEntry[]): Buffer => gzipSync(tarOf(entries), { level: 1 });
