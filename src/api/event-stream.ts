/** Events from whoever tells them to a consumer that takes one after the other, and may stop early. */

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * What `work` emits, as an async iterator. The work begins with the first `next`. When the consumer breaks out of its
 * loop, or calls `return` at any other time, the signal that the work has is aborted, and `return` resolves when the work
 * has come to its end.
 */
export class EventStream<T> implements AsyncIterableIterator<T> {
  readonly #work: (emit: (event: T) => void, signal: AbortSignal) => Promise<unknown>;
  readonly #stop = new AbortController();
  readonly #events: T[] = [];
  readonly #waiting: Waiting<T>[] = [];
  /** Never rejects; undefined before the work has begun. */
  #running: Promise<void> | undefined;
  #isOver = false;
  #failure: { readonly thrown: unknown } | undefined;

  constructor(work: (emit: (event: T) => void, signal: AbortSignal) => Promise<unknown>) {
    this.#work = work;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next event. @throws once, what the work has thrown, after all events before it */
  next(): Promise<IteratorResult<T>> {
    if (!this.#isOver) this.#running ??= this.#run();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  async return(): Promise<IteratorResult<T>> {
    this.#stop.abort('SIGINT');
    await this.#running;
    this.#isOver = true;
    this.#failure = undefined;
    this.#events.length = 0;
    this.#serve();
    return { done: true, value: undefined };
  }

  async #run(): Promise<void> {
    try {
      await this.#work((event) => {
        this.#events.push(event);
        this.#serve();
      }, this.#stop.signal);
    } catch (thrown) {
      this.#failure = { thrown };
    }
    this.#isOver = true;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const [event] = this.#events;
      if (this.#events.length > 0) {
        this.#events.shift();
        this.#waiting.shift()?.resolve({ done: false, value: event as T });
      } else if (this.#failure !== undefined) {
        const { thrown } = this.#failure;
        this.#failure = undefined;
        this.#waiting.shift()?.reject(thrown);
      } else if (this.#isOver) this.#waiting.shift()?.resolve({ done: true, value: undefined });
      else return;
    }
  }
}
