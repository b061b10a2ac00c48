/** Starts the real command line in a folder of its own, and reads what it leaves behind. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { validateJUnit } from '../../report/validate.ts';
import { program } from '../../support/program.ts';
import { type Case, casesOf } from './junit.ts';

/** A folder that is deleted again. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'jwt-e2e-faults-'));

  /** A folder in it. */
  sub(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface Ended {
  readonly exitCode: number | undefined;
  /** Everything it wrote to the terminal. */
  readonly output: string;
  /** What `reports/junit.xml` says. */
  readonly cases: readonly Case[];
  /** What is wrong with `reports/junit.xml` by the schemas of CI tools. */
  readonly schemaProblems: readonly string[];
  /** The folder it ran in. */
  readonly folder: string;
}

export interface Started {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Waits until it has written this. @throws Error when it ends before */
  said(text: string | RegExp): Promise<void>;
  ended(): Promise<Ended>;
}

/**
 * Starts `jwt-e2e` with these arguments. The reports go to `reports/` in `folder`, which is where they go by default.
 *
 * @param launcher a command line that the one of `jwt-e2e` is put behind
 */
export function start(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  launcher: readonly string[] = [],
): Started {
  const [file = '', ...rest] = [...launcher, 'node', program, ...args];
  const process = execa(file, rest, {
    cwd: folder,
    env: { NO_COLOR: '1', ...env },
    all: true,
    reject: false,
    stdin: 'ignore',
    // Cleaning up takes as long as it takes.
    forceKillAfterDelay: false,
  });
  let output = '';
  process.all.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  return {
    pid: process.pid ?? 0,
    kill: (signal) => void process.kill(signal),
    async said(text) {
      const found = () => (typeof text === 'string' ? output.includes(text) : text.test(output));
      while (!found()) {
        const ended = await Promise.race([process, new Promise((go) => setTimeout(go, 50))]);
        if (ended !== undefined && !found()) throw new Error(`it ended without ${text}:\n${output}`);
      }
    },
    async ended() {
      const { exitCode } = await process;
      return { exitCode, output, folder, ...(await readJUnit(folder)) };
    },
  };
}

export async function jwtE2e(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return start(folder, args, env).ended();
}

/** The report as it is now; a run that is going on has one as well. */
export async function readJUnit(folder: string): Promise<Pick<Ended, 'cases' | 'schemaProblems'>> {
  const xml = readIfThere(join(folder, 'reports', 'junit.xml'));
  if (xml === undefined) return { cases: [], schemaProblems: ['there is no report'] };
  return { cases: casesOf(xml), schemaProblems: await validateJUnit(xml) };
}

/** All files below a folder, with their text, by their path in it. */
export function filesIn(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Waits that are long enough for what goes well, and short for what does not. */
export const limits = ['--answer-timeout', '5', '--hold-timeout', '15'];

/** The files of the evidence that a failed case refers to, by their name. */
export function evidenceOf({ folder }: Ended, { text }: Case): Map<string, string> {
  const path = text.match(/^evidence:\s*(\S+)$/m)?.[1];
  return path === undefined ? new Map() : filesIn(join(folder, path));
}

/** The JWTs in a text that have their signature. */
export function signaturesIn(text: string): string[] {
  return text.match(/\bey[I-L][\w-]+\.[\w-]+\.[\w-]{16,}/g) ?? [];
}
