/** Waits until a part of the mesh answers. */
import { request } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import { nameOfError } from '../../../base/names.ts';
import { until } from '../../../base/wait.ts';
import type { Part } from '../processes/part.ts';

/** How often to ask, in milliseconds: starting quickly matters here. */
const intervalMs = 20;

/** Whatever `ask` does until it succeeds, or the part has ended. @throws HarnessError that names the part */
export async function untilAnswers<T>(
  part: Part,
  ask: (signal: AbortSignal) => Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T> {
  return until(
    `${part.name} of the local mesh answering`,
    async () => {
      if (!part.running) throw part.failure();
      try {
        return { value: await ask(signal) };
      } catch (thrown) {
        if (thrown instanceof HarnessError && thrown.code === 'E_INTERRUPTED') throw thrown;
        return nameOfError(thrown);
      }
    },
    { timeoutMs, intervalMs, signal, code: 'E_CLUSTER', hint: `Its log: ${part.logFile}` },
  ).then(({ value }) => value);
}

/** GET; the status must be 200. */
export async function getOk(url: string, signal: AbortSignal): Promise<string> {
  const response = await request(url, { signal, headersTimeout: 5000, bodyTimeout: 5000, reset: true });
  const text = await response.body.text();
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return text;
}
