/** Whether a key server of ours does what it is there for. */
import { HarnessError } from '../base/errors.ts';

/** The error that says that a server of ours is to blame, and not the mesh. */
export function notWorking(name: string, why: string, cause?: unknown): HarnessError {
  return new HarnessError('E_KEY_SERVER', `the key server ${name} does not answer with its keys: ${why}`, {
    hint: 'It is a server of this tool, so answers that are wrong without its keys say nothing about the mesh. See whether its container or process still runs, and is on its network.',
    cause,
  });
}

/**
 * @param answers what it has answered, over HTTP and HTTPS
 * @throws HarnessError E_KEY_SERVER
 */
export function expectKeys(name: string, answers: readonly string[], jwks: unknown): void {
  const wrong = answers.find((answer) => answer.trim() !== JSON.stringify(jwks));
  if (wrong !== undefined) throw notWorking(name, `it answers ${JSON.stringify(wrong.slice(0, 100))}`);
}
