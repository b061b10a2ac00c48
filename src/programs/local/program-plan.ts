/** For one Istio: what of it is here, what can be had, what is missing. */

import {
  type Found,
  type MeshProgram,
  meshPrograms,
  type Problem,
  type Source,
  type Tried,
} from './build/source.ts';
import type { Choice } from './choices.ts';

export interface Planned {
  readonly program: MeshProgram;
  /** It is here. */
  readonly found?: Found | undefined;
  /** It is not here, and can be had from this. */
  readonly source?: Source | undefined;
  /** Where it is neither here nor to be had, and why. */
  readonly tried: readonly Tried[];
}

/** What failed when it was tried, by source. */
export type Failures = ReadonlyMap<Source, Problem>;

/** What is here, without asking any host. */
export async function planLocally(choice: Choice): Promise<Planned[]> {
  return Promise.all(
    meshPrograms.map(async (program) => {
      const found = await firstFound(choice.sources[program], program);
      return { program, found, tried: [] };
    }),
  );
}

/** What is here or can be had. Hosts are asked, nothing is downloaded. @throws HarnessError E_INTERRUPTED */
export async function plan(choice: Choice, failures: Failures): Promise<Planned[]> {
  return Promise.all(
    meshPrograms.map(async (program): Promise<Planned> => {
      const sources = choice.sources[program];
      // Etcd is etcd, wherever it comes from. A stock Envoy that is here is not as good as Istio's own that is not.
      const found = program === 'envoy' ? undefined : await firstFound(sources, program);
      if (found !== undefined) return { program, found, tried: [] };
      const tried: Tried[] = [];
      for (const source of sources) {
        const here = await source.find(program);
        if (here !== undefined) return { program, found: here, tried };
        const problem = failures.get(source) ?? (await source.problem());
        if (problem === undefined) return { program, source, tried };
        tried.push({ source: source.label, ...problem });
      }
      const unknown = choice.unknown[program];
      return { program, tried: unknown === undefined ? tried : [...tried, unknown] };
    }),
  );
}

export function isComplete(planned: readonly Planned[]): boolean {
  return planned.every((each) => each.found !== undefined || each.source !== undefined);
}

async function firstFound(sources: readonly Source[], program: MeshProgram): Promise<Found | undefined> {
  for (const source of sources) {
    const found = await source.find(program);
    if (found !== undefined) return found;
  }
  return undefined;
}
