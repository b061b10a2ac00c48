/** Failures of downloads that may be gone at the next attempt. */

/** The network failed, or a server said that it cannot answer now. */
export class Transient extends Error {
  /** Of the answer, if there was one. */
  readonly status: number | undefined;
  /** How long the server asked to wait (Retry-After), milliseconds. */
  readonly afterMs: number;

  constructor(message: string, options: { cause?: unknown; status?: number; afterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.afterMs = options.afterMs ?? 0;
  }
}

/** The milliseconds of Retry-After, a number of seconds or a date (RFC 9110, section 10.2.3); 0 when it says nothing. */
export function retryAfter(header: string | string[] | undefined): number {
  const value = typeof header === 'string' ? header.trim() : '';
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
