/** Lines of a log, and on a terminal a few moving lines below them. */
import { HarmlessOutput, type Output, own } from '../../../base/harmless.ts';
import { type Shared, shareTerminal } from '../terminal-share.ts';

export interface LiveOptions {
  /** The moving lines at this moment, each narrower than the terminal; none when nothing is going on. */
  readonly rows: () => readonly string[];
  /** Streams that reach the same terminal; what others write to them is kept from harm, and harms nothing. */
  readonly shared: readonly NodeJS.WriteStream[];
}

/** How often the moving lines are drawn, in milliseconds. */
export const frameMs = 100;

const toStart = own('\r');
const clearBelow = own('\u001b[J');
const clearRight = own('\u001b[K');
const wrapOff = own('\u001b[?7l');
const wrapOn = own('\u001b[?7h');

/**
 * Between two frames the cursor rests at the start of the first moving line. So one sequence takes all of them away,
 * whatever has happened to them: the terminal became narrower and broke them, or cut them, or somebody wrote over them.
 * The cursor is never hidden and no other state is changed for longer than one write, so that nothing is left to
 * restore, even after SIGKILL.
 */
export class LiveArea {
  readonly #stream: Output;
  readonly #live: LiveOptions | undefined;
  #timer: NodeJS.Timeout | undefined;
  #shared: Shared | undefined;
  #isDrawn = false;
  #isHeld = false;
  /** Somebody else has begun a line and not ended it. */
  #isInLine = false;

  /** @param live absent where lines cannot be overwritten; then this is a plain log */
  constructor(stream: Output, live?: LiveOptions) {
    this.#stream = HarmlessOutput.over(stream);
    this.#live = live;
  }

  /** Writes lines of the log above the moving lines. */
  print(...lines: string[]): void {
    if (lines.length === 0) return;
    this.#write(`${this.#erasure()}${this.#isInLine ? '\n' : ''}${lines.join('\n')}\n`);
    this.#isInLine = false;
    this.#draw();
  }

  /** Draws what is going on, and goes on doing so until {@link stop}. */
  update(): void {
    if (this.#live === undefined) return;
    if (this.#timer === undefined) {
      // The run decides when the program ends, not the picture of it.
      this.#timer = setInterval(() => this.#draw(), frameMs).unref();
      this.#shared = shareTerminal(this.#live.shared, {
        before: () => this.#write(this.#erasure()),
        after: (text) => {
          if (text !== '') this.#isInLine = !text.endsWith('\n');
        },
      });
    }
    // Events can come by the thousand; who looks sees the next frame soon enough.
    if (!this.#isDrawn) this.#draw();
  }

  /** While held there are no moving lines: somebody is to press a key, which the terminal would write into them. */
  hold(isHeld: boolean): void {
    // The key that ends it has ended the line too.
    if (this.#isHeld && !isHeld) this.#isInLine = false;
    this.#isHeld = isHeld;
    this.#draw();
  }

  /** Takes the moving lines away. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#shared?.end();
    this.#shared = undefined;
    this.#write(this.#erasure());
  }

  /** In one write, because a terminal may show what it has at any time. */
  #draw(): void {
    if (this.#timer === undefined || this.#isInLine) return;
    const rows = this.#isHeld ? [] : (this.#live?.rows() ?? []);
    if (rows.length === 0) {
      this.#write(this.#erasure());
      return;
    }
    const up = rows.length > 1 ? own(`\u001b[${rows.length - 1}A`) : '';
    const picture = rows.map((row) => row + clearRight).join(`${toStart}\n`);
    this.#write(`${wrapOff}${toStart}${picture}${clearBelow}${up}${toStart}${wrapOn}`);
    this.#isDrawn = true;
  }

  /** What takes the moving lines away. */
  #erasure(): string {
    const wasDrawn = this.#isDrawn;
    this.#isDrawn = false;
    return wasDrawn ? toStart + clearBelow : '';
  }

  #write(text: string): void {
    if (text === '') return;
    if (this.#shared === undefined) this.#stream.write(text);
    else this.#shared.own(() => this.#stream.write(text));
  }
}
