/** What the API server answers when it does not do what it was asked. */
import { HarnessError } from '../base/errors.ts';

/** An error answer of the API server. `status` is the HTTP status code, `reason` the Kubernetes reason. */
export class KubeError extends HarnessError {
  readonly status: number;
  readonly reason: string;
  /** After so many milliseconds it wants to be asked again, and has done nothing; undefined when it has answered. */
  readonly againMs: number | undefined;

  constructor(status: number, reason: string, message: string, details?: string, againMs?: number) {
    super('E_KUBE', message, { details });
    this.status = status;
    this.reason = reason;
    this.againMs = againMs;
  }
}
