/** Which hosts answer; each is asked once. A host that does not must not cost minutes of retries. */
import { request } from 'undici';
import { nameOfError } from '../../base/names.ts';
import { endOf, throwIfAborted, within } from '../../base/wait.ts';
import { defaultLimits } from '../download/download-limits.ts';
import { dispatcher } from '../download/http-get.ts';

export class Hosts {
  readonly #signal: AbortSignal;
  readonly #reachMs: number;
  readonly #answers = new Map<string, Promise<string | undefined>>();

  /** @param reachMs the longest wait for an answer, milliseconds */
  constructor(signal: AbortSignal, reachMs: number) {
    this.#signal = signal;
    this.#reachMs = reachMs;
  }

  /** Why the host of `url` cannot be reached, or undefined when it gives any answer. @throws HarnessError E_INTERRUPTED */
  problem(url: string): Promise<string | undefined> {
    const { origin } = new URL(url);
    const known = this.#answers.get(origin);
    if (known !== undefined) return known;
    const answer = this.#ask(origin);
    this.#answers.set(origin, answer);
    return answer;
  }

  async #ask(origin: string): Promise<string | undefined> {
    const limits = { ...defaultLimits, connectMs: this.#reachMs, idleMs: this.#reachMs };
    const through = dispatcher(limits);
    const limited = within(this.#reachMs, this.#signal, 'an answer');
    const end = endOf(limited.signal);
    try {
      const asked = request(origin, { method: 'HEAD', dispatcher: through, signal: limited.signal });
      const { body } = await Promise.race([asked, end.reached]);
      await body.dump();
      return undefined;
    } catch (thrown) {
      throwIfAborted(this.#signal);
      return `${origin} cannot be reached: ${nameOfError(limited.signal.reason ?? thrown)}`;
    } finally {
      end.ignore();
      limited.done();
      await through.destroy();
    }
  }
}
