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
