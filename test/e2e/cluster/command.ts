/** Runs the command line as a user does, in a folder of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { RunResult } from '../../../src/report/result.ts';
import { program } from '../../support/program.ts';

export interface Ended {
  readonly exitCode: number | undefined;
  /** What it wrote to both streams. */
  readonly output: string;
  /** reports/results.json, when there is one. */
  readonly results: RunResult | undefined;
}

export interface Running {
  /** Waits until this was written. @throws Error when it ends before that */
  said(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export function start(args: readonly string[]): Running {
  const cwd = mkdtempSync(join(tmpdir(), 'jwt-e2e-'));
  const child = execa('node', [program, ...args], { cwd, all: true, reject: false, env: { NO_COLOR: '1' } });
  let output = '';
  let over = false;
  child.all.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const ended = child.then(({ exitCode }): Ended => {
    over = true;
    const results = resultsIn(cwd);
    rmSync(cwd, { recursive: true, force: true });
    return { exitCode, output, results };
  });
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    said: async (text) => {
      while (!output.includes(text)) {
        if (over) throw new Error(`it ended without saying "${text}":\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

export async function jwtE2e(args: readonly string[]): Promise<Ended> {
  return start(args).ended;
}

function resultsIn(cwd: string): RunResult | undefined {
  try {
    return JSON.parse(readFileSync(join(cwd, 'reports', 'results.json'), 'utf8')) as RunResult;
  } catch {
    return undefined;
  }
}
