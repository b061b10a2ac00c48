/** Streams a tar archive from disk, plain or compressed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';

export interface ReadLimits {
  /** What the archive is, for messages, such as "a layer of the image". */
  readonly what: string;
  /** What to do when it is damaged. */
  readonly hint?: string;
  /** The longest unpacked archive, bytes. A small one can unpack to any size. */
  readonly maxUnpacked: number;
  readonly signal: AbortSignal;
}

/**
 * Goes through an archive from its beginning to its end.
 *
 * @param targetOf is called for every entry, in order; the content goes to the file that it returns, if any
 * @throws HarnessError E_PROGRAM when the archive is damaged, too large, or compressed in a way that this Node.js
 *   cannot undo; E_INTERRUPTED; what the disk throws
 */
export async function untar(
  archive: string,
  limits: ReadLimits,
  targetOf: (entry: ReadEntry) => string | undefined,
): Promise<void> {
  const writes: Promise<void>[] = [];
  const failed = new AbortController();
  const write = (entry: ReadEntry, target: string) => {
    const stream = createWriteStream(target, { mode: 0o600 });
    const written = pipeline(entry, stream, { signal: failed.signal });
    written.catch((error) => sink.destroy(error));
    writes.push(written);
  };
  const sink = parserStream(targetOf, write);
  try {
    const stages = [await decompressor(archive, limits.what), checked(limits)] as const;
    await pipeline(createReadStream(archive), ...stages, sink, { signal: limits.signal });
    await Promise.all(writes);
  } catch (cause) {
    failed.abort(cause);
    await Promise.allSettled(writes);
    throwIfAborted(limits.signal);
    if (cause instanceof HarnessError || (cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    throw new HarnessError('E_PROGRAM', `${limits.what} cannot be unpacked: ${(cause as Error).message}`, {
      hint: limits.hint,
      cause,
    });
  }
}

/** The parser is no stream of Node.js; this gives it the ways of one: back pressure, and errors that end the pipe. */
function parserStream(
  targetOf: (entry: ReadEntry) => string | undefined,
  write: (entry: ReadEntry, target: string) => void,
): Writable {
  const targets = new Map<unknown, string>();
  let ended = false;
  const parser = new Parser({
    strict: true,
    filter: (_, entry) => {
      const target = targetOf(entry as ReadEntry);
      if (target !== undefined) targets.set(entry, target);
      return target !== undefined;
    },
    onReadEntry: (entry) => write(entry, targets.get(entry)!),
  });
  const sink = new Writable({
    write: (chunk, _, done) => {
      // What it throws, or `targetOf`, must end the pipe; nobody else would catch it.
      try {
        // The parser would collect what follows the end of the archive.
        if (ended || parser.write(chunk)) done();
        else parser.once('drain', done);
      } catch (error) {
        done(error as Error);
      }
    },
    final: (done) => {
      parser.once('end', done);
      try {
        parser.end();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  parser.on('eof', () => {
    ended = true;
  });
  parser.on('error', (error) => {
    // An archive of nothing but its end is what builders make of a step that changes no file.
    const isEmpty = ended && error.message.includes('Unrecognized archive format');
    if (!isEmpty) sink.destroy(error as Error);
  });
  return sink;
}

/** The first bytes say how the archive is compressed; media types are sometimes wrong. */
async function decompressor(archive: string, what: string): Promise<NodeJS.ReadWriteStream> {
  const handle = await open(archive);
  const start = Buffer.alloc(4);
  await handle.read(start, 0, 4, 0).finally(() => handle.close());
  const packing = packingOf(start);
  if (packing === 'gzip') return zlib.createGunzip();
  if (packing === undefined) return new PassThrough();
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  if (typeof create === 'function') return create() as NodeJS.ReadWriteStream;
  throw new HarnessError(
    'E_PROGRAM',
    `${what} is compressed with zstd, which Node.js ${process.version} cannot read`,
    { hint: 'use Node.js 22.15 or later, or a mirror that has it compressed with gzip' },
  );
}

function packingOf(start: Buffer): 'gzip' | 'zstd' | undefined {
  if (start.length >= 2 && start.readUInt16BE() === 0x1f8b) return 'gzip';
  return start.length >= 4 && start.readUInt32BE() === 0x28b52ffd ? 'zstd' : undefined;
}

/** Ends what gets too long, and what is compressed twice: the parser would unpack that, to any length. */
function checked({ what, maxUnpacked }: ReadLimits): Transform {
  let bytes = 0;
  let start = Buffer.alloc(0);
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      if (start.length < 4) start = Buffer.concat([start, chunk.subarray(0, 4 - start.length)]);
      if (bytes > maxUnpacked) {
        done(new HarnessError('E_PROGRAM', `${what} unpacks to more than ${maxUnpacked} bytes`));
      } else if (packingOf(start) !== undefined) {
        done(new HarnessError('E_PROGRAM', `${what} is compressed twice; it was not used`));
      } else done(null, chunk);
    },
  });
}
