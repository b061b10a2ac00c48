/** A terminal as far as the console report uses one: it keeps what a person would see, and all that scrolled away. */
import { displayWidth } from '../../src/report/text.ts';

interface Row {
  cells: string[];
  /** Whether the text went on in the next row because there was no room. */
  isBroken: boolean;
}

/** How a terminal treats lines that do not fit any more: most break them anew, xterm cuts them. */
export type Resizing = 'reflow' | 'crop';

export class Screen {
  #columns: number;
  #rows: number;
  readonly #resizing: Resizing;
  #lines: Row[] = [{ cells: [], isBroken: false }];
  /** The first line that is on the screen. */
  #top = 0;
  #x = 0;
  #y = 0;
  #doesWrap = true;

  constructor(columns: number, rows: number, resizing: Resizing = 'reflow') {
    this.#columns = columns;
    this.#rows = rows;
    this.#resizing = resizing;
  }

  /** @throws Error for an escape sequence that the report has no business with */
  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about control characters
    for (const [part] of text.matchAll(/\u001b\[([?\d;]*)([A-Za-z])|\u001b.?|[\s\S]/gu)) {
      if (part.startsWith('\u001b')) this.#escape(part);
      else if (part === '\r') this.#x = 0;
      else if (part === '\n') this.#newLine();
      else if (part === '\u0007') continue;
      else this.#put(part);
    }
  }

  resize(columns: number, rows: number): void {
    if (this.#resizing === 'reflow') this.#reflow(columns);
    else {
      for (const row of this.#lines) row.cells.length = Math.min(row.cells.length, columns);
      this.#x = Math.min(this.#x, columns - 1);
    }
    this.#columns = columns;
    this.#rows = rows;
    const last = Math.max(
      this.#y,
      this.#lines.findLastIndex(({ cells }) => cells.join('').trim() !== ''),
    );
    // The cursor stays in sight; what is below the screen is lost.
    this.#top = Math.min(this.#y, Math.max(0, last - rows + 1));
    this.#lines.length = Math.min(this.#lines.length, this.#top + rows);
  }

  /** Everything, from what scrolled away first; empty lines at the end are left out. */
  text(): string {
    let text = '';
    for (const { cells, isBroken } of this.#lines) {
      const line = Array.from(cells, (cell) => cell ?? ' ').join('');
      text += isBroken ? line : `${line.trimEnd()}\n`;
    }
    return `${text.trimEnd()}\n`;
  }

  /** How many rows of the screen are in use, and whether the cursor is at the start of an empty line. */
  state(): { used: number; atStart: boolean; wraps: boolean } {
    const used = this.#lines.slice(this.#top).findLastIndex(({ cells }) => cells.join('').trim() !== '') + 1;
    const isEmpty = this.#lines.slice(this.#y).every(({ cells }) => cells.join('').trim() === '');
    return { used, atStart: this.#x === 0 && isEmpty, wraps: this.#doesWrap };
  }

  #escape(sequence: string): void {
    const up = /^.\[(\d+)A$/.exec(sequence);
    const row = this.#row();
    if (/^.\[[\d;]*m$/.test(sequence)) return;
    if (up !== null) this.#y = Math.max(this.#top, this.#y - Number(up[1]));
    else if (sequence === '\u001b[?7l') this.#doesWrap = false;
    else if (sequence === '\u001b[?7h') this.#doesWrap = true;
    else if (sequence === '\u001b[K' || sequence === '\u001b[J') {
      row.cells.length = Math.min(row.cells.length, this.#x);
      row.isBroken = false;
      if (sequence.endsWith('J')) this.#lines.length = this.#y + 1;
    } else throw new Error(`unexpected ${JSON.stringify(sequence)}`);
  }

  #put(character: string): void {
    const width = displayWidth(character);
    if (width === 0) return;
    if (this.#x + width > this.#columns) {
      if (this.#doesWrap) {
        this.#row().isBroken = true;
        this.#newLine();
      } else this.#x = this.#columns - width;
    }
    const { cells } = this.#row();
    while (cells.length < this.#x) cells.push(' ');
    cells.splice(this.#x, width, character, ...(width === 2 ? [''] : []));
    this.#x += width;
  }

  #newLine(): void {
    this.#x = 0;
    this.#y += 1;
    this.#row();
    if (this.#y >= this.#top + this.#rows) this.#top = this.#y - this.#rows + 1;
  }

  #row(): Row {
    while (this.#lines.length <= this.#y) this.#lines.push({ cells: [], isBroken: false });
    return this.#lines[this.#y]!;
  }

  #reflow(columns: number): void {
    const lines: Row[] = [];
    let [x, y] = [0, 0];
    let whole: string[] = [];
    let cursor = -1;
    this.#lines.forEach((row, index) => {
      if (index === this.#y) cursor = whole.length + this.#x;
      whole.push(...row.cells);
      if (row.isBroken) return;
      if (cursor >= 0) [x, y] = [cursor % columns, lines.length + Math.floor(cursor / columns)];
      cursor = -1;
      for (let from = 0; from === 0 || from < whole.length; from += columns) {
        const cells = whole.slice(from, from + columns);
        lines.push({ cells, isBroken: from + columns < whole.length });
      }
      whole = [];
    });
    this.#lines = lines;
    [this.#x, this.#y] = [x, y];
  }
}
