/** Answers of a mesh are taken as what they should be, and said not to be understood when they are something else. */
import { HarnessError } from './errors.ts';
import { nameOfError } from './names.ts';

/**
 * What `read` makes of an answer.
 *
 * @param who gave it, for the message
 * @throws HarnessError E_KUBE when it is not as it should be, or what `read` throws itself of that kind
 */
export function understood<T>(who: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    throw notUnderstood(who, nameOfError(cause).split('\n')[0] ?? '', cause);
  }
}

/** The error for an answer that is not as it should be. */
export function notUnderstood(who: string, why: string, cause?: unknown): HarnessError {
  return new HarnessError('E_KUBE', `${who} answers what cannot be understood: ${why}`, {
    hint: 'Something else may answer in its place, such as a proxy; or its version is too new or too old.',
    cause,
  });
}
