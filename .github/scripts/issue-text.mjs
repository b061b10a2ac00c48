// The text of the tracking issue, and what it remembers of the last night in a comment that nobody sees.
import { gunzipSync, gzipSync } from 'node:zlib';
import { code } from './legs.mjs';

/** @typedef {import('./failures.mjs').Failure} Failure */
/** @typedef {{ leg: string, what: string }} Remembered */

/** Tells the issue from others that have its label. */
export const marker = '<!-- jwt-e2e-nightly -->';

/** GitHub refuses longer texts. */
const longest = 65_000;

/**
 * @param {readonly Failure[]} failures what failed on versions that must pass
 * @param {readonly Remembered[]} open failures of before that nothing is known about this time
 * @param {readonly Failure[]} experimental
 * @param {string} run address of the run
 */
export function bodyOf(failures, open, experimental, run) {
  const state = `<!-- state: ${remember([...failures, ...open])} -->`;
  for (let rows = 200; ; rows = Math.floor(rows / 2)) {
    const text = [
      marker,
      `The nightly run found failures on versions of Istio that must pass. [The last run](${run}) has the page of all`,
      'results as its artifact `report`, and the evidence as artifacts of its jobs.',
      '',
      ...table(failures, rows),
      ...(open.length === 0 ? [] : ['', '### Not known this time', '', ...list(open, rows)]),
      ...(experimental.length === 0
        ? []
        : [
            '',
            '### Experimental versions',
            '',
            'They keep no issue open.',
            '',
            ...table(experimental, rows),
          ]),
      '',
      'A deviation that is known and accepted belongs into `.github/known-deviations.yaml`, with a reason and an end',
      'date. This text is written by `.github/scripts/tracking-issue.mjs`: what is changed by hand is lost. The issue is',
      'closed when all versions that must pass have passed.',
      '',
      state,
    ].join('\n');
    if (text.length <= longest || rows === 0) return text;
  }
}

/**
 * @param {readonly Failure[]} failures
 * @param {number} rows how many at most
 */
export function table(failures, rows) {
  /** @type {Map<string, Failure[]>} */
  const byWhat = new Map();
  for (const failure of failures) byWhat.set(failure.what, [...(byWhat.get(failure.what) ?? []), failure]);
  const shown = [...byWhat].slice(0, rows).map(([what, all]) => {
    const legs = all.map(({ leg }) => leg).join('<br>');
    return `| ${code(what)} | ${legs} | ${code(all[0]?.message ?? '')} |`;
  });
  const more = byWhat.size - shown.length;
  return [
    ...(shown.length > 0 ? ['| What | Where | Why |', '| --- | --- | --- |', ...shown] : []),
    ...(more > 0 ? ['', `and ${more} more`] : []),
  ];
}

/**
 * @param {readonly Remembered[]} entries
 * @param {number} rows how many at most
 */
export function list(entries, rows) {
  const lines = entries.slice(0, rows).map(({ leg, what }) => `* ${code(what)} on ${leg}`);
  return entries.length > rows ? [...lines, `* and ${entries.length - rows} more`] : lines;
}

/** @param {readonly Remembered[]} entries */
function remember(entries) {
  const pairs = entries.map(({ leg, what }) => [leg, what]);
  return gzipSync(JSON.stringify(pairs)).toString('base64');
}

/**
 * What the text of an issue remembers; undefined when somebody has changed it.
 *
 * @param {string} body
 * @returns {Remembered[] | undefined}
 */
export function remembered(body) {
  const state = /<!-- state: ([A-Za-z0-9+/=]+) -->/.exec(body)?.[1];
  if (state === undefined) return undefined;
  try {
    const text = gunzipSync(Buffer.from(state, 'base64'), { maxOutputLength: 10_000_000 }).toString('utf8');
    return JSON.parse(text).map((/** @type {unknown[]} */ [leg, what]) => ({
      leg: String(leg),
      what: String(what),
    }));
  } catch {
    return undefined;
  }
}
