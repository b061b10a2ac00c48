/** Lines to paste into a shell while a run waits: what is secret in them is in files, which the lines read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '../token/decode.ts';

export interface PasteLines {
  /** As {@link pasteLines} was given them, by the same names. */
  readonly lines: Readonly<Record<string, string>>;
  /** Deletes the files; the end of the process does so too. Never throws. */
  remove(): void;
}

/** A word of a POSIX shell, such as `'Authorization: Bearer …'`; what `shellQuote` writes. */
const word = /(?:'[^']*'|\\'|[^\s'\\])+/g;

/**
 * Puts each word of the lines that has a secret into a file of its own, which only its owner can read.
 *
 * @param lines with their secrets, by any name. Where no file can be written they stay as they are.
 */
export function pasteLines(lines: Readonly<Record<string, string>>): PasteLines {
  const files = new Map<string, string>();
  let folder: string | undefined;
  const remove = () => {
    process.off('exit', remove);
    // What cannot be deleted must not keep the run from undoing what it has applied.
    if (folder !== undefined) attempt(() => rmSync(folder as string, { recursive: true, force: true }));
  };
  const fileFor = (text: string): string => {
    const known = files.get(text);
    if (known !== undefined) return known;
    if (folder === undefined) {
      // Nobody else can look into what mkdtemp makes.
      folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-paused-'));
      process.once('exit', remove);
    }
    const file = join(folder, `${files.size + 1}`);
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    files.set(text, file);
    return file;
  };
  const readable = (line: string) =>
    line.replace(word, (quoted) => {
      const text = unquoted(quoted);
      return redact(text) === text ? quoted : `"$(cat ${quote(fileFor(text))})"`;
    });
  const result = attempt(() =>
    Object.fromEntries(Object.entries(lines).map(([name, line]) => [name, readable(line)])),
  );
  return { lines: result ?? lines, remove };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function unquoted(quoted: string): string {
  return quoted.replace(/'([^']*)'|\\(')/g, (_, inside: string | undefined, escaped: string | undefined) =>
    inside === undefined ? (escaped ?? '') : inside,
  );
}

function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
