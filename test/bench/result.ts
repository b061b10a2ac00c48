/** What was measured, against what is promised: as a table and as JSON. Pure. */

export interface Measure {
  readonly name: string;
  readonly what: string;
  /** Milliseconds of each time that it was done; empty when it was not done. */
  readonly ms: readonly number[];
  /** Why it was not done. */
  readonly skipped?: string | undefined;
  /** The longest median that is promised, in milliseconds. */
  readonly targetMs?: number | undefined;
}

/** How many times faster than the other measure one has to be. */
export interface Comparison {
  readonly name: string;
  readonly of: string;
  readonly to: string;
  /** The largest ratio of the medians that is promised. */
  readonly target: number;
}

export interface Row {
  readonly name: string;
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  /** Undefined: nothing is promised, or it was not measured. */
  readonly met: boolean | undefined;
  readonly skipped: string | undefined;
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

export function judge(measures: readonly Measure[], comparisons: readonly Comparison[]): Row[] {
  const rows = measures.map(({ name, what, ms, skipped, targetMs }): Row => {
    const value = median(ms);
    const measured =
      ms.length === 0 ? '-' : `${time(value)}${ms.length > 1 ? ` (median of ${ms.length})` : ''}`;
    const met = targetMs === undefined || ms.length === 0 ? undefined : value <= targetMs;
    return {
      name,
      what,
      measured,
      target: targetMs === undefined ? '' : `<= ${time(targetMs)}`,
      met,
      skipped,
    };
  });
  const compared = comparisons.map(({ name, of, to, target }): Row => {
    const [one, other] = [of, to].map((each) => measures.find((measure) => measure.name === each));
    const ratio = median(one?.ms ?? []) / median(other?.ms ?? []);
    const known = Number.isFinite(ratio);
    return {
      name,
      what: `${of} / ${to}`,
      measured: known ? `1/${(1 / ratio).toFixed(1)}` : '-',
      target: `<= 1/${Math.round(1 / target)}`,
      met: known ? ratio <= target : undefined,
      skipped: known ? undefined : (one?.skipped ?? other?.skipped),
    };
  });
  return [...rows, ...compared];
}

/** One line for each row, in columns. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, what, measured, target, met, skipped }) => [
    name,
    measured,
    target,
    skipped !== undefined ? `not measured: ${skipped}` : met === undefined ? '' : met ? 'met' : 'NOT MET',
    what,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function time(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}
