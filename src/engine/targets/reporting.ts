/** What those who find programs tell, as events. */
import type { Report } from '../../programs/report.ts';
import type { Progress } from '../../target/target.ts';

/** What is neither a step nor how far something is, is a warning. */
export function reporting(progress: Progress): Report {
  return (message, kind) =>
    progress(
      kind === undefined
        ? { type: 'warning', message }
        : { type: 'progress', message, work: kind === 'step' ? undefined : kind },
    );
}
