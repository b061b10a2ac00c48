/** A scenario file being run, as its tests see it: each waits for its own check. */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { CheckResult, Problem } from '../base/events.ts';
import { problemError } from './test-verdict.ts';
import type { FileLine, FileRequest } from './vitest-protocol.ts';

const interrupted: Problem = { code: 'E_INTERRUPTED', message: 'interrupted' };
const lost: Problem = { code: 'E_INTERNAL', message: 'the process that holds the mesh has ended' };

export class ScenarioRun {
  readonly #socket: Socket;
  readonly #checks = new Map<string, CheckResult>();
  /** Reasons by ids of checks; undefined as long as there is no mesh. */
  #leftOut: Readonly<Record<string, string>> | undefined;
  /** Undefined as long as it runs. */
  #end: { readonly problem: Problem | undefined } | undefined;
  /** Called whenever there is something new. */
  readonly #waiting = new Set<() => void>();

  /** @param socket of the process that starts the mesh */
  constructor(socket: string, request: FileRequest) {
    this.#socket = connect(socket);
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => this.#finish(lost));
    createInterface({ input: this.#socket }).on('line', (line) => this.#take(JSON.parse(line) as FileLine));
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  /** Returns when the mesh is there. @throws why it cannot be */
  async ready(): Promise<void> {
    await this.#until(() => this.#leftOut !== undefined);
    if (this.#leftOut !== undefined) return;
    const problem = this.#end?.problem ?? lost;
    this.#end = { problem: undefined };
    throw problemError(problem);
  }

  /**
   * The result of a check, or the reason why it is not made.
   *
   * @param signal interrupts the whole scenario
   * @throws what kept the scenario from coming to the check
   */
  async check(id: string, signal: AbortSignal): Promise<CheckResult | string> {
    const interrupt = () => {
      this.#finish(interrupted);
      this.#socket.destroy();
    };
    if (signal.aborted) interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    const result = () => this.#checks.get(id) ?? this.#leftOut?.[id];
    await this.#until(() => result() !== undefined);
    signal.removeEventListener('abort', interrupt);
    const found = result();
    if (found === undefined) throw problemError(this.#end?.problem ?? lost);
    return found;
  }

  /** Returns when everything is undone. @throws what went wrong, unless a check has told it */
  async finished(): Promise<void> {
    await this.#until(() => false);
    const problem = this.#end?.problem;
    if (problem === undefined || problem.code === 'E_INTERRUPTED') return;
    const isTold = [...this.#checks.values()].some(({ message }) => message === problem.message);
    if (!isTold) throw problemError(problem);
  }

  #take(line: FileLine): void {
    if (line.type === 'ready') this.#leftOut = line.leftOut;
    else if (line.type === 'check') this.#checks.set(line.check.id, line.check);
    else this.#finish(line.problem);
    this.#tell();
  }

  #finish(problem: Problem | undefined): void {
    this.#end ??= { problem };
    this.#tell();
  }

  #tell(): void {
    for (const look of this.#waiting) look();
  }

  /** Waits until it is so, or everything is over. */
  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo() && this.#end === undefined) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
