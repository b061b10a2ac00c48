/** What a run and the process that keeps a mesh say to each other: calls of the target's methods, as JSON. */
import { HarnessError } from '../../../base/errors.ts';
import type { MeshFacts, Problem, Unstamped } from '../../../base/events.ts';
import type { CapabilityName, KeyServerHandle, KeyServerStart, Target } from '../../target.ts';
import type { IstiodEnv } from '../control-plane/istiod-env.ts';
import type { FoundBinaries } from '../local-settings.ts';

/** What the process is told when it starts, in the variable {@link configVariable}. */
export interface HostConfig {
  readonly name: string;
  readonly programs: FoundBinaries;
  readonly images: Readonly<Record<string, string>>;
  /** Environment variables of istiod that were asked for. */
  readonly istiodEnv: IstiodEnv;
  /** YAML file with the CustomResourceDefinitions of the Gateway API; undefined: there are none. */
  readonly gatewayApiCrds?: string | undefined;
  /** The folder kind/ of the product. */
  readonly folder: string;
  /** Where it says that it is ready, or why it is not. */
  readonly stateFile: string;
}

export const configVariable = 'JWT_E2E_MESH_HOST';

/** What it reads on standard input when it is to outlive whoever has started it. */
export const lettingGo = 'keep\n';

/** How often the process says to a run that it is still there, in milliseconds. */
export const aliveMs = 2000;

/** The content of the state file. */
export type HostState =
  | {
      readonly pid: number;
      readonly socket: string;
      readonly istio: string;
      readonly envoy: string;
      readonly istiodEnv: IstiodEnv;
    }
  | { readonly pid: number; readonly error: Problem };

/** The methods that are called as they are: their arguments and results are plain JSON, but for the signal at the end. */
export const forwarded = [
  'prepare',
  'apply',
  'delete',
  'undo',
  'survey',
  'altered',
  'mark',
  'proxyPolicies',
  'podLogEnd',
  'podFetches',
  'evidence',
  'setIstiod',
  'setMeshConfig',
  'keysUsed',
  'reload',
] as const satisfies readonly (keyof Target)[];

export type Forwarded = (typeof forwarded)[number];

/** The methods of a key server that are called as they are. */
export const forwardedToKeyServers = [
  'set',
  'logEnd',
  'log',
  'check',
  'stop',
] as const satisfies readonly (keyof KeyServerHandle)[];

/**
 * Methods that hand their arguments over to another process; the signal at the end, where there is one, stays here.
 *
 * @param call makes the call there, and returns what the method returns
 */
export function forwarding<T, Name extends keyof T & string>(
  names: readonly Name[],
  call: (name: Name, args: readonly unknown[], signal: AbortSignal) => Promise<unknown>,
): Pick<T, Name> {
  const never = new AbortController().signal;
  const methods = names.map((name) => [
    name,
    (...all: readonly unknown[]) => {
      const last = all.at(-1);
      return last instanceof AbortSignal ? call(name, all.slice(0, -1), last) : call(name, all, never);
    },
  ]);
  return Object.fromEntries(methods) as Pick<T, Name>;
}

/** Who begins to use the mesh. */
export interface SessionStart {
  readonly runId: string;
  readonly mesh: string | undefined;
  readonly reason: string;
  /** End the mesh when this run ends without having said what is to become of it. */
  readonly owner: boolean;
}

/** What is sent to whoever uses the mesh, a line each. The first one is the answer to its beginning. */
export type SessionLine =
  | {
      readonly type: 'begun';
      readonly facts: MeshFacts;
      readonly ca: string;
      readonly ingressUrl: string;
      /** What the mesh cannot do, and why. */
      readonly missing: readonly (readonly [CapabilityName, string])[];
      readonly kubeconfig: string;
    }
  | { readonly type: 'refused'; readonly error: Problem }
  | { readonly type: 'progress'; readonly event: Unstamped }
  /** Nothing is new; it is still there. */
  | { readonly type: 'alive' }
  /** A part of the mesh has ended, and so will the mesh. */
  | { readonly type: 'failed'; readonly error: Problem };

export interface KeyServerCall extends KeyServerStart {
  /** By which the run calls it from then on. */
  readonly id: string;
}

/** The error that problemOf has taken apart. */
export function fromProblem({ code, message, ...rest }: Problem): HarnessError {
  return new HarnessError(code, message, rest);
}
