/** The connection of a run to the process that keeps a mesh. While it is open the mesh is this run's. */
import { Client, type Dispatcher } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import type { Problem } from '../../../base/events.ts';
import { linesIn } from '../../../base/files/lines.ts';
import { nameOfError } from '../../../base/names.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { onAbort, throwIfAborted } from '../../../base/wait.ts';
import type { Progress } from '../../target.ts';
import { fromProblem, type SessionLine, type SessionStart } from './mesh-protocol.ts';

type Begun = Extract<SessionLine, { type: 'begun' }>;

export class Session {
  readonly begun: Begun;
  readonly #client: Client;
  readonly #silent = new AbortController();
  #failure: HarnessError | undefined;
  /** Times in a row that it has said nothing. */
  #missed = 0;
  #looking: NodeJS.Timeout | undefined;

  /**
   * @param silent what is wrong when nothing is heard of the mesh any more, although its process is there
   * @throws HarnessError E_CLUSTER when another run uses the mesh
   */
  static async begin(
    socketPath: string,
    start: SessionStart,
    progress: Progress,
    signal: AbortSignal,
    silent = new HarnessError('E_CLUSTER', 'the local mesh does not answer'),
  ): Promise<Session> {
    const client = new Client('http://mesh', { socketPath, headersTimeout: 0, bodyTimeout: 0 });
    // An interrupted run needs its mesh until it has cleaned up: the signal counts for the beginning only.
    const own = new AbortController();
    const ignore = onAbort(signal, () => own.abort(signal.reason));
    try {
      const body = JSON.stringify({ name: 'begin', args: [start] });
      const response = await client.request({ method: 'POST', path: '/', body, signal: own.signal });
      const lines = linesOf(response.body);
      const first = (await lines.next()).value;
      if (first?.type !== 'begun') {
        throw first?.type === 'refused'
          ? fromProblem(first.error)
          : new HarnessError('E_CLUSTER', 'the local mesh has ended');
      }
      const session = new Session(first, client);
      void (async () => {
        session.#expectMore(silent);
        for await (const line of lines) {
          session.#missed = 0;
          if (line.type === 'progress') progress(line.event);
          if (line.type === 'failed') session.#failure = fromProblem(line.error);
        }
      })().catch(() => {});
      return session;
    } catch (thrown) {
      await client.destroy();
      throwIfAborted(signal);
      throw thrown;
    } finally {
      ignore();
    }
  }

  private constructor(begun: Begun, client: Client) {
    this.begun = begun;
    this.#client = client;
  }

  /** Why the mesh has failed, when it has. */
  get failure(): HarnessError | undefined {
    return this.#failure;
  }

  /** Aborted, with the reason, when the process that keeps the mesh is there and says nothing any more. */
  get silent(): AbortSignal {
    return this.#silent.signal;
  }

  /** Looks are counted, and no time is measured: this process may have been stopped itself. */
  #expectMore(silent: HarnessError): void {
    const looks = 6;
    this.#looking = setInterval(() => {
      this.#missed += 1;
      if (this.#missed > looks) this.#silent.abort(silent);
    }, timeouts.keeper / looks);
    this.#looking.unref();
  }

  end(): void {
    clearInterval(this.#looking);
    this.#client.destroy().catch(() => {});
  }
}

async function* linesOf(body: Dispatcher.ResponseData['body']): AsyncGenerator<SessionLine, undefined> {
  for await (const line of linesIn(body as AsyncIterable<Buffer>)) yield JSON.parse(line) as SessionLine;
  return undefined;
}

/** Calls a method in the process that keeps a mesh. @throws HarnessError that the method has thrown, or E_CLUSTER */
export async function callHost<T>(
  client: Dispatcher,
  name: string,
  args: readonly unknown[],
  signal: AbortSignal,
  mesh: string,
): Promise<T> {
  try {
    const body = JSON.stringify({ name, args });
    const response = await client.request({ method: 'POST', path: '/', body, signal });
    const answer = JSON.parse(await response.body.text()) as { result: T } | { error: Problem };
    if ('error' in answer) throw fromProblem(answer.error);
    return answer.result;
  } catch (thrown) {
    if (thrown instanceof HarnessError) throw thrown;
    throwIfAborted(signal);
    throw new HarnessError('E_CLUSTER', `the local mesh "${mesh}" does not answer: ${nameOfError(thrown)}`, {
      hint: `It may have been ended, or have failed. Start another one: jwt-e2e up --target local --name ${mesh}`,
      cause: thrown,
    });
  }
}
