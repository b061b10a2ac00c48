/** Lines of a log, and on a TTY one moving line below them that says what is going on. */
import type { Colors } from './terminal.ts';
import { displayWidth, duration, truncate } from './text.ts';

export interface Output {
  write(text: string): unknown;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 80;
const clear = '\r\u001b[2K';

/** Without a TTY the moving line is never shown, and nothing is cut. */
export class StatusLine {
  readonly #stream: Output;
  readonly #terminal: { readonly isTTY: boolean; readonly width: number };
  readonly #colors: Colors;
  readonly #now: () => number;
  #status: { readonly text: string; readonly since: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;

  constructor(
    stream: Output,
    terminal: { readonly isTTY: boolean; readonly width: number },
    colors: Colors,
    now: () => number,
  ) {
    this.#stream = stream;
    this.#terminal = terminal;
    this.#colors = colors;
    this.#now = now;
  }

  /** Writes lines of the log above the moving line. */
  print(...lines: string[]): void {
    this.#hide();
    for (const line of lines) this.#stream.write(`${line}\n`);
    this.#draw();
  }

  /** Says what is going on from now on; undefined for nothing. `text` holds no colours. */
  show(text: string | undefined): void {
    if (!this.#terminal.isTTY || text === this.#status?.text) return;
    this.#hide();
    this.#status = text === undefined ? undefined : { text, since: this.#now() };
    if (this.#status === undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else {
      // The run decides when the program ends, not the spinner.
      this.#timer ??= setInterval(() => this.#draw(), frameMs).unref();
    }
    this.#draw();
  }

  /** Cuts a line without colours to the width of a TTY, leaving room for `indent` columns. */
  cut(text: string, indent = 0): string {
    return this.#terminal.isTTY ? truncate(text, Math.max(20, this.#terminal.width - indent)) : text;
  }

  #draw(): void {
    if (this.#status === undefined) return;
    const elapsed = Math.max(0, this.#now() - this.#status.since);
    const frame = frames[Math.floor(elapsed / frameMs) % frames.length] ?? frames[0];
    const time = elapsed < 1000 ? '' : ` ${duration(elapsed)}`;
    // A line that fills the last column would wrap, and clearing it would leave a part behind.
    const text = truncate(this.#status.text, this.#terminal.width - 4 - displayWidth(time));
    this.#hide();
    this.#stream.write(` ${this.#colors.cyan(frame ?? '')} ${text}${this.#colors.dim(time)}`);
    this.#shown = true;
  }

  #hide(): void {
    if (this.#shown) this.#stream.write(clear);
    this.#shown = false;
  }
}
