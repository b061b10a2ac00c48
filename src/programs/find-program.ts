/** Finds the programs that the product starts, or fetches them. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { HarnessError } from '../base/errors.ts';
import { throwIfAborted } from '../base/wait.ts';
import { inCache, programCache } from './cache.ts';
import type { Limits } from './download/download-limits.ts';
import { fetchProgram } from './download/fetch-program.ts';
import { inPath, isExecutable } from './lookup.ts';
import type { ProgramPin } from './pin.ts';
import type { Report } from './report.ts';

export interface FoundProgram {
  readonly path: string;
  readonly version: string;
  readonly origin: 'setting' | 'path' | 'cache' | 'download';
}

export interface FindOptions {
  /** Path that the user gave; nothing else is looked for then. */
  readonly setting?: string | undefined;
  /** The version that is needed and where to get it, from `programPin`; without it, any version in PATH will do. */
  readonly pin?: ProgramPin | undefined;
  /** Default: {@link programCache}. */
  readonly cacheDir?: string | undefined;
  /** Whether downloading is allowed. */
  readonly fetch: boolean;
  /** Receives what is worth knowing, a line at a time. */
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly limits?: Limits | undefined;
}

/**
 * Finds a program: as set by the user, else in PATH in the version that is needed, else in the cache, else by
 * downloading it.
 *
 * istioctl installs the Istio of its own version, and kind promises to start only the node images that were made
 * for it; this is why another version in PATH is passed over.
 *
 * @throws HarnessError E_PROGRAM with what to install or which setting to use; E_TIMEOUT; E_INTERRUPTED
 */
export async function findProgram(name: ProgramName, options: FindOptions): Promise<FoundProgram> {
  const env = options.env ?? process.env;
  const { pin, report } = options;
  if (options.setting !== undefined) return fromSetting(name, options.setting, options);
  const passedOver: string[] = [];
  const path = inPath(name, env.PATH);
  if (path !== undefined) {
    const found = await probe(name, path, options.signal);
    if ('version' in found && (pin === undefined || found.version === pin.version)) {
      return { path, version: found.version, origin: 'path' };
    }
    const why =
      'problem' in found ? found.problem : `its version is ${found.version}, ${pin?.version} is needed`;
    passedOver.push(`${path} was passed over: ${why}`);
  }
  if (pin !== undefined) {
    const cacheDir = options.cacheDir ?? programCache(env);
    const cached = inCache(cacheDir, name, pin);
    if (cached !== undefined) return { path: cached, version: pin.version, origin: 'cache' };
    if (options.fetch) {
      for (const line of passedOver) report(line);
      const fetched = await fetchProgram(name, pin, { ...options, cacheDir });
      return { path: fetched, version: pin.version, origin: 'download' };
    }
  }
  throw missing(name, options, passedOver);
}

async function fromSetting(name: ProgramName, setting: string, options: FindOptions): Promise<FoundProgram> {
  const path = setting.startsWith('~/') ? join(homedir(), setting.slice(2)) : resolve(setting);
  const hint = `give the path of an executable file with ${settingNames(name)}, or leave it out`;
  if (!isExecutable(path)) {
    throw new HarnessError('E_PROGRAM', `the ${name} that was set, ${setting}, is not an executable file`, {
      hint,
    });
  }
  const found = await probe(name, path, options.signal);
  if ('problem' in found) {
    throw new HarnessError('E_PROGRAM', `the ${name} that was set, ${setting}, does not work`, {
      hint,
      details: found.problem,
    });
  }
  if (options.pin !== undefined && found.version !== options.pin.version) {
    options.report(
      `${setting} is ${name} ${found.version}, not ${options.pin.version}; it is used as it was set`,
    );
  }
  return { path, version: found.version, origin: 'setting' };
}

function settingNames(name: ProgramName): string {
  return `--${name} or JWT_E2E_${name.toUpperCase()}`;
}

function missing(name: ProgramName, options: FindOptions, passedOver: readonly string[]): HarnessError {
  const hints: Readonly<Record<ProgramName, string>> = {
    kind: `install it (https://kind.sigs.k8s.io/docs/user/quick-start/#installation) or use ${settingNames(name)}`,
    istioctl: `install it (https://istio.io/latest/docs/ops/diagnostic-tools/istioctl/) or use ${settingNames(name)}`,
    docker: 'install a Docker engine (https://docs.docker.com/engine/install/) or choose another --target',
    kubectl: 'install it (https://kubernetes.io/docs/tasks/tools/)',
  };
  const wanted = options.pin === undefined ? name : `${name} ${options.pin.version}`;
  const why = options.pin !== undefined && !options.fetch ? ', and downloading is switched off' : '';
  return new HarnessError('E_PROGRAM', `${wanted} is not in PATH${why}`, {
    hint: hints[name],
    details: passedOver.length === 0 ? undefined : passedOver.join('\n'),
  });
}

// Asks a program for its version.

/** The programs that the product starts. */
type ProgramName = 'kind' | 'istioctl' | 'docker' | 'kubectl';

/** None of these contacts a server. */
const versionArguments: Readonly<Record<ProgramName, readonly string[]>> = {
  kind: ['version'],
  istioctl: ['version', '--remote=false'],
  docker: ['--version'],
  kubectl: ['version', '--client'],
};

/** What a program said about itself: its version, or why it said none. */
type Probe = { readonly version: string } | { readonly problem: string };

/** Starts `path` and reads the first version number in what it prints. @throws HarnessError E_INTERRUPTED */
async function probe(name: ProgramName, path: string, signal: AbortSignal): Promise<Probe> {
  const result = await execa(path, [...versionArguments[name]], {
    reject: false,
    stdin: 'ignore',
    // A program on a slow disk needs some seconds.
    timeout: 20_000,
    cancelSignal: signal,
    maxBuffer: 1_000_000,
  });
  throwIfAborted(signal);
  if (result.failed) return { problem: result.shortMessage ?? 'it failed' };
  // Development builds of Istio have two numbers only: 1.32-alpha.86c9f01.
  const version = /\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]+)?/.exec(result.stdout)?.[0];
  return version === undefined
    ? { problem: `it printed no version: ${result.stdout.slice(0, 200)}` }
    : { version };
}
