/** How long the programs of the target local may take to be had, in milliseconds. */
export interface Deadlines {
  /** A host giving any answer at all, to see whether it can be reached. */
  readonly reachMs: number;
  /** A program saying its version; the first start from a slow disk needs some seconds. */
  readonly versionMs: number;
  /** istioctl writing Istio's manifests. */
  readonly manifestsMs: number;
  /** `go env` and the like. */
  readonly goMs: number;
  /** Go downloading all modules and telling what is to be compiled. */
  readonly modulesMs: number;
  /** Go building the control plane; measured 6 to 8 minutes on two cores. */
  readonly buildMs: number;
  /** pip downloading a wheel of some 35 MB. */
  readonly pipMs: number;
  /** Between two lines that say how far a build is. */
  readonly progressMs: number;
  /** Between two looks whether another process has ended its build. */
  readonly waitMs: number;
}

export const deadlines: Deadlines = {
  reachMs: 5_000,
  versionMs: 20_000,
  manifestsMs: 60_000,
  goMs: 30_000,
  modulesMs: 900_000,
  buildMs: 3_600_000,
  pipMs: 600_000,
  progressMs: 1_000,
  waitMs: 500,
};
