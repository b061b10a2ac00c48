/** What the API server answers when it does not do what it was asked. */
import { HarnessError } from '../base/errors.ts';

/** An error answer of the API server. `status` is the HTTP status code, `reason` the Kubernetes reason. */
export class KubeError extends HarnessError {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string, details?: string) {
    super('E_KUBE', message, { details });
    this.status = status;
    this.reason = reason;
  }
}
