/** What somebody at the terminal wants of `run --watch`, by single keys. */

export type WatchKey =
  | { readonly kind: 'all' | 'failed' | 'quit' }
  /** Only what has this text in its name or title, as --grep; an empty one is none. */
  | { readonly kind: 'filter'; readonly text: string };

/** A terminal that keys come from. */
export interface Keyboard {
  readonly isTTY?: boolean | undefined;
  setRawMode(isRaw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data', take: (text: string) => void): unknown;
  off(event: 'data', take: (text: string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Control characters of a terminal that passes all keys on. */
const [interrupt, suspend, quitWithCore] = ['\u0003', '\u001a', '\u001c'];
const signals = { [interrupt]: 'SIGINT', [suspend]: 'SIGTSTP', [quitWithCore]: 'SIGQUIT' } as const;

/**
 * Listens to keys until {@link end}. The terminal passes each key on at once meanwhile; it gets back its own way of reading
 * lines when that ends, when the process does or is stopped, and while a text is typed.
 */
export class WatchKeys {
  readonly #input: Keyboard;
  readonly #write: (text: string) => void;
  readonly #act: (key: WatchKey) => void;
  /** Whether it is a moment at which scenarios can be started. */
  #isIdle = false;
  /** What was typed of a text; undefined when none is asked for. */
  #line: string | undefined;

  /** @param act told what is wanted; `quit` at any time, the rest only while {@link idle} */
  constructor(input: Keyboard, write: (text: string) => void, act: (key: WatchKey) => void) {
    this.#input = input;
    this.#write = write;
    this.#act = act;
    input.setEncoding('utf8');
    input.on('data', this.#take);
    input.resume();
    process.on('exit', this.#giveBack);
    process.on('SIGTSTP', this.#stopped);
    process.on('SIGCONT', this.#continued);
    process.on('SIGQUIT', this.#core);
    this.#raw(true);
  }

  /** Whether there is nothing to wait for: then keys start something. */
  idle(isIdle: boolean): void {
    this.#isIdle = isIdle;
    // Whoever waited for Enter meanwhile has left it paused.
    if (isIdle) this.#input.resume();
    if (isIdle || this.#line === undefined) return;
    // What was saved has begun a round; nobody is asked any more.
    this.#line = undefined;
    this.#raw(true);
  }

  /** Gives the terminal back. */
  end(): void {
    this.#input.off('data', this.#take);
    this.#input.pause();
    process.off('exit', this.#giveBack);
    process.off('SIGTSTP', this.#stopped);
    process.off('SIGCONT', this.#continued);
    process.off('SIGQUIT', this.#core);
    this.#giveBack();
  }

  readonly #take = (text: string): void => {
    if (this.#line !== undefined) this.#type(text);
    else for (const key of text) this.#press(key);
  };

  #press(key: string): void {
    if (key in signals) process.kill(process.pid, signals[key as keyof typeof signals]);
    else if (key === 'q') this.#act({ kind: 'quit' });
    else if (!this.#isIdle) return;
    else if (key === 'a') this.#act({ kind: 'all' });
    else if (key === 'f') this.#act({ kind: 'failed' });
    else if (key === 'p') {
      this.#raw(false);
      this.#line = '';
      this.#write('Only what has this in its name or title (empty: everything): ');
    }
  }

  #type(text: string): void {
    const typed = `${this.#line}${text}`;
    const [line = '', ...rest] = typed.split('\n');
    this.#line = typed;
    if (rest.length === 0) return;
    this.#line = undefined;
    this.#raw(true);
    this.#act({ kind: 'filter', text: line.trim() });
  }

  /** A terminal that has gone needs nothing back. */
  #raw(isRaw: boolean): void {
    try {
      this.#input.setRawMode(isRaw);
    } catch {}
  }

  readonly #giveBack = (): void => this.#raw(false);

  readonly #stopped = (): void => {
    this.#giveBack();
    // The live table stops the process when it is there.
    if (process.listenerCount('SIGTSTP') === 1) process.kill(process.pid, 'SIGSTOP');
  };

  readonly #continued = (): void => this.#raw(this.#line === undefined);

  readonly #core = (): void => {
    this.#giveBack();
    process.off('SIGQUIT', this.#core);
    process.kill(process.pid, 'SIGQUIT');
  };
}
