/** What the target local is to be; the command line makes it from flags, variables and files. */
import type { IstiodEnv } from './control-plane/istiod-env.ts';
import type { MeshBinaries } from './local-mesh.ts';

export interface FoundBinaries extends MeshBinaries {
  readonly envoyVersion: string;
  readonly kubernetes: string;
  /** Where each program comes from, for the report. */
  readonly origins: Readonly<Record<string, string>>;
}

export interface LocalSettings {
  /** Which of several meshes of a run this is; undefined for the only one. */
  readonly mesh: string | undefined;
  /** It runs a part of the scenarios of another one in the same process. */
  readonly isShared?: boolean | undefined;
  readonly reason: string;
  readonly runId: string;
  readonly images: Readonly<Record<string, string>>;
  /** Environment variables of istiod that were asked for. */
  readonly istiodEnv: IstiodEnv;
  /** YAML file with the CustomResourceDefinitions of the Gateway API; undefined: there are none. */
  readonly gatewayApiCrds?: string | undefined;
  /** The folder kind/ of the product. */
  readonly folder: string;
  /** Finds the programs, or fetches them. */
  readonly programs: (signal: AbortSignal) => Promise<FoundBinaries>;
}
