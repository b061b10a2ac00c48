/** Takes one file out of a zip archive, which Python wheels are. */
import { createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { HarnessError } from '../../../base/errors.ts';
import { archiveLimits } from '../../download/download-limits.ts';

/** The parts of the format that are used: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
const endOfDirectory = { signature: 0x06054b50, bytes: 22, longestComment: 0xffff };
const directoryEntry = { signature: 0x02014b50, bytes: 46 };
const localHeader = { signature: 0x04034b50, bytes: 30 };
const methods = { stored: 0, deflated: 8 };

/** Stands for a number that is too large for its place, in zip64. */
const notHere = 0xffffffff;
/** A bit of the flags of an entry. */
const encrypted = 1;

interface Directory {
  /** Where it starts in the archive: after all files. */
  readonly start: number;
  readonly entries: Buffer;
}

interface Entry {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * Writes the file `member` of the zip archive to `target`. Nothing else of it is read, so other names in it do not matter.
 *
 * @throws HarnessError E_PROGRAM when the archive is damaged, has no such file, or it is larger than `maxBytes`
 */
export async function extractZipMember(
  archive: string,
  member: string,
  target: string,
  maxBytes: number,
): Promise<void> {
  const file = await open(archive, 'r');
  try {
    const { start, entries } = await directory(file, (await file.stat()).size);
    const entry = find(entries, member);
    if (entry.size > maxBytes) throw damaged(`${member} is larger than ${maxBytes} bytes`);
    await extract(file, entry, start, target);
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    throw damaged(`cannot unpack ${member}: ${(cause as Error).message}`, cause);
  } finally {
    await file.close();
  }
}

/** The directory, which is at the end: where its own end says that it starts. Every number is one of the archive. */
async function directory(file: FileHandle, size: number): Promise<Directory> {
  const { signature, bytes, longestComment } = endOfDirectory;
  const start = Math.max(0, size - bytes - longestComment);
  const tail = await read(file, start, size - start);
  for (let at = tail.length - bytes; at >= 0; at--) {
    // Where the comment is not the rest of the archive, the signature is part of one.
    const isEnd =
      tail.readUInt32LE(at) === signature && at + bytes + tail.readUInt16LE(at + 20) === tail.length;
    if (!isEnd) continue;
    const [length, offset] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    if (length === notHere || offset === notHere)
      throw damaged('it is in the format zip64, which is not supported');
    if (offset + length > start + at) throw damaged('its directory is said to be where it cannot be');
    if (length > archiveLimits.zipDirectory)
      throw damaged(`its directory has ${length} bytes, which is too much`);
    return { start: offset, entries: await read(file, offset, length) };
  }
  throw damaged('it is no zip archive');
}

function find(entries: Buffer, member: string): Entry {
  const { signature, bytes } = directoryEntry;
  const found: Entry[] = [];
  for (let at = 0; at + bytes <= entries.length && entries.readUInt32LE(at) === signature; ) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => entries.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    if (entries.toString('utf8', at + bytes, at + bytes + name) === member) {
      found.push({
        flags: entries.readUInt16LE(at + 8),
        method: entries.readUInt16LE(at + 10),
        crc: entries.readUInt32LE(at + 16),
        packed: entries.readUInt32LE(at + 20),
        size: entries.readUInt32LE(at + 24),
        offset: entries.readUInt32LE(at + 42),
      });
    }
    at += bytes + name + extra + comment;
  }
  const [entry, other] = found;
  if (entry === undefined) throw damaged(`it has no file ${member}`);
  // Programs differ in which one they take.
  if (other !== undefined) throw damaged(`it has the file ${member} twice`);
  return entry;
}

/** @param end where the files end and the directory starts */
async function extract(file: FileHandle, entry: Entry, end: number, target: string): Promise<void> {
  if ((entry.flags & encrypted) !== 0) throw damaged('the file is encrypted');
  if (entry.offset + localHeader.bytes > end) throw damaged('its directory points to no file');
  const header = await read(file, entry.offset, localHeader.bytes);
  if (header.readUInt32LE(0) !== localHeader.signature) throw damaged('its directory points to no file');
  // The lengths may differ from those in the directory.
  const start = entry.offset + localHeader.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (start + entry.packed > end) throw damaged('the file is said to be longer than the archive');
  // A stream cannot end before it starts.
  const packed =
    entry.packed === 0
      ? Readable.from([])
      : file.createReadStream({ start, end: start + entry.packed - 1, autoClose: false });
  const output = createWriteStream(target);
  if (entry.method === methods.stored) await pipeline(packed, checked(entry), output);
  else if (entry.method === methods.deflated) {
    await pipeline(packed, createInflateRaw(), checked(entry), output);
  } else throw damaged(`it is packed by method ${entry.method}, which is not supported`);
}

/** Passes the file on; fails at the end when it is not the one of the directory, and early when it gets too long. */
function checked(entry: Entry): Transform {
  let [size, crc] = [0, 0];
  return new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.length;
      crc = crc32(chunk, crc);
      done(size > entry.size ? damaged('the file is longer than its directory says') : null, chunk);
    },
    flush(done) {
      done(size === entry.size && crc === entry.crc ? null : damaged('the file has a wrong CRC-32'));
    },
  });
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw damaged('it ends too early');
  return buffer;
}

function damaged(what: string, cause?: unknown): HarnessError {
  return new HarnessError('E_PROGRAM', `the zip archive cannot be used: ${what}`, { cause });
}
