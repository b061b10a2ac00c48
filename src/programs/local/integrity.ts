/** The list of files that makes a folder a whole bundle: what is not as it says is damaged. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { flush } from '../cache.ts';
import { isExecutable } from '../lookup.ts';

/** What is known of a bundle; kept in it as bundle.json. */
export interface Contents {
  /** Where it came from, for people. */
  readonly origin: string;
  /** The version of each file, by file name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Digest of how it was made, when that is not what its name is made from. */
  readonly recipe?: string | undefined;
}

interface Sealed extends Contents {
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

const sealName = 'bundle.json';

/** Writes the list; everything is on disk then. Programs, which have no dot in their names, become executable. */
export async function seal(folder: string, contents: Contents): Promise<void> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of Object.keys(contents.versions)) {
    const path = join(folder, name);
    if (!name.includes('.')) await executable(path);
    await flush(path);
    files[name] = { bytes: (await stat(path)).size, sha256: await digestOf(path) };
  }
  const path = join(folder, sealName);
  await writeFile(path, `${JSON.stringify({ ...contents, files } satisfies Sealed, null, 2)}\n`);
  await flush(path);
}

/** What a folder has, or what is wrong with it. @param verify compare the SHA-256 of each file, not only its size */
export async function sealed(folder: string, verify: boolean): Promise<Contents | string> {
  try {
    const text = await readFile(join(folder, sealName), 'utf8');
    const { files, ...contents } = JSON.parse(text) as Sealed;
    for (const [name, { bytes, sha256 }] of Object.entries(files)) {
      const path = join(folder, name);
      const { size } = await stat(path);
      if (size !== bytes) return `${name} has ${size} bytes, not ${bytes}`;
      if (!name.includes('.') && !isExecutable(path)) return `${name} cannot be executed`;
      if (verify && (await digestOf(path)) !== sha256) return `${name} has a wrong SHA-256`;
    }
    return contents;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

const known = new Map<string, unknown>();

/** What `ask` finds out about a file, once as long as the file stays as it is; what fails is asked again. */
export async function onceForFile<T>(path: string, what: string, ask: () => Promise<T>): Promise<T> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return ask();
  const key = JSON.stringify([what, path, info.ino, info.size, info.mtimeMs]);
  if (known.has(key)) return known.get(key) as T;
  const answer = await ask();
  known.set(key, answer);
  return answer;
}

/** Lets everybody execute a file. */
export async function executable(path: string): Promise<void> {
  await chmod(path, 0o755);
}

/** The SHA-256, or SHA-512, of a file in hexadecimal. */
export async function digestOf(path: string, algorithm: 'sha256' | 'sha512' = 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
