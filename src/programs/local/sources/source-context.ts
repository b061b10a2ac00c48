/** What all sources of programs have in common. */

import type { Limits } from '../../download/download-limits.ts';
import type { Platform } from '../../platform.ts';
import type { Report } from '../../report.ts';
import type { Versions } from '../../versions.ts';
import type { Problem } from '../build/source.ts';
import type { Deadlines } from '../deadlines.ts';
import type { Hosts } from '../hosts-that-answer.ts';

export interface Context {
  readonly versions: Versions;
  readonly platform: Platform & `linux-${string}`;
  readonly cacheDir: string;
  /** Whether something may be fetched from the network. */
  readonly download: boolean;
  /** Whether something may be built. */
  readonly build: boolean;
  /** A URL that stands for https://github.com. */
  readonly mirror: string | undefined;
  /** Compare the SHA-256 of what is in the cache, not only its size. */
  readonly verify: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly limits: Limits;
  readonly deadlines: Deadlines;
  readonly hosts: Hosts;
}

export const noDownload: Problem = {
  why: 'downloading is switched off with --no-download',
  remedy: 'leave out --no-download',
};

/** The problem that a host cannot be reached, if it is one. @param other what to do besides letting it be reached */
export async function unreachable(hosts: Hosts, url: string, other: string): Promise<Problem | undefined> {
  const why = await hosts.problem(url);
  if (why === undefined) return undefined;
  return { why, remedy: `let ${new URL(url).origin} be reached, by HTTPS_PROXY if need be, or ${other}` };
}
