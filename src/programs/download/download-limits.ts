/** How long a download may take and how large it may be. */
export interface Limits {
  /** Opening a connection, milliseconds. */
  readonly connectMs: number;
  /** Nothing arriving, milliseconds. */
  readonly idleMs: number;
  /** One attempt to download one file, milliseconds. */
  readonly downloadMs: number;
  /** Waiting before the second attempt, milliseconds; doubled before each further one. */
  readonly retryMs: number;
  readonly attempts: number;
  readonly redirects: number;
  /** Bytes of what is downloaded, and of a file unpacked from it. */
  readonly maxBytes: number;
}

/** istioctl is the largest program: some 30 MB as an archive and 120 MB unpacked. */
export const defaultLimits: Limits = {
  connectMs: 15_000,
  idleMs: 30_000,
  downloadMs: 600_000,
  retryMs: 1_000,
  attempts: 3,
  redirects: 5,
  maxBytes: 500 * 1024 * 1024,
};

/**
 * What an archive may have. No archive of what is fetched comes near; one that has more is damaged, or meant to do harm.
 */
export const archiveLimits = {
  /** How much larger than the largest download a whole archive may be when it is unpacked. */
  unpackedFactor: 8,
  /** The longest path in an archive, or target of a link, in characters. Linux allows no longer ones. */
  pathLength: 4096,
  /** Names in all paths of the layers of an image that are looked into, `a/b/c` being three. Each takes memory. */
  names: 1_000_000,
  /** Layers of an image. Docker makes at most 127. */
  layers: 128,
  /** Of how many downloads of the largest size the layers of an image may be. */
  layersFactor: 4,
  /** Bytes of the directory of a zip archive. */
  zipDirectory: 16 * 1024 * 1024,
} as const;
