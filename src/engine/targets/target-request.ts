/** What a target is made of. */
import type { Versions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import type { Progress } from '../../target/target.ts';

export interface TargetRequest {
  readonly values: Values;
  readonly versions: Versions;
  readonly runId: string;
  /** Applications that any of the scenarios needs. */
  readonly apps: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}
