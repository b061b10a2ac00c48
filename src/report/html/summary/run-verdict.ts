/** The verdict at a glance: one word, one sentence, the counts. */
import { sourceText } from '../../../base/events.ts';
import type { RunResult } from '../../result.ts';
import { plural } from '../../text.ts';
import { glyph, type Look, wordOf } from '../glyphs.ts';
import { type Html, html } from '../markup.ts';

export interface Verdict {
  readonly look: Look;
  readonly title: string;
  readonly sentence: string;
}

/** What the run amounts to. A run that is not complete is never called passed. */
export function verdictOf(result: RunResult): Verdict {
  const { counts, run } = result;
  const { passed, failed, error, skipped, notRun, known = 0 } = counts;
  const total = passed + failed + known + error + skipped + notRun;
  const sofar = `${plural(passed, 'check')} of ${total} passed so far`;
  if (run.state === 'running') {
    const more = failed > 0 ? `, ${failed} failed` : '';
    return {
      look: 'running',
      title: 'Not finished',
      sentence: `The run is still going, or it was killed. ${sofar}${more}.`,
    };
  }
  if (failed > 0) {
    const rest = [
      ...(known > 0 ? [`${known} more failed as known`] : []),
      ...(error + notRun > 0 ? [`${error + notRun} without a verdict`] : []),
    ].map((text) => `; ${text}`);
    return {
      look: 'failed',
      title: 'Failed',
      sentence: `${failed} of ${plural(total, 'check')} got another answer than ${isDocumented(result) ? 'documented' : 'expected'}${rest.join('')}.`,
    };
  }
  if (run.state === 'interrupted') {
    return { look: 'error', title: 'Interrupted', sentence: `The run was stopped. ${sofar}.` };
  }
  if (passed + known + error + notRun === 0) {
    const why = result.run.problem ?? result.failedMeshes[0]?.problem;
    return {
      look: 'error',
      title: 'Nothing tested',
      sentence: why === undefined ? 'No check was made.' : sentenceOf(why.message),
    };
  }
  if (error + notRun > 0 || result.exitCode !== 0) {
    const lost = error + notRun;
    return {
      look: 'error',
      title: 'No verdict',
      sentence:
        lost > 0
          ? `Nothing can be said about ${lost} of ${plural(total, 'check')}; ${passed} passed.`
          : `Something went wrong outside of the checks; ${passed} of ${plural(total, 'check')} passed.`,
    };
  }
  const rest = [
    ...(known > 0 ? [`${known} failed as known`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].map((text) => `, ${text}`);
  return {
    look: 'passed',
    title: 'Passed',
    sentence: `${plural(passed, 'check')} got the ${isDocumented(result) ? 'documented' : 'expected'} answer${rest.join('')}.`,
  };
}

/** Whether documents make all promises, and not scenarios alone. */
export function isDocumented({ scenarios }: RunResult): boolean {
  return scenarios.every(({ info }) => sourceText(info.source) !== undefined);
}

function sentenceOf(message: string): string {
  return `${message[0]?.toUpperCase() ?? ''}${message.slice(1).replace(/[.]$/, '')}.`;
}

/** The counts as a bar and as words. */
export function countsBar({ counts }: RunResult): Html {
  const all: readonly (readonly [Look, number])[] = [
    ['passed', counts.passed],
    ['failed', counts.failed],
    ['known', counts.known ?? 0],
    ['error', counts.error],
    ['skipped', counts.skipped],
    ['notrun', counts.notRun],
  ];
  const shown = all.filter(([, count]) => count > 0);
  const total = shown.reduce((sum, [, count]) => sum + count, 0);
  let x = 0;
  const bars = shown.map(([look, count]) => {
    const width = (100 * count) / total;
    const bar = html`<rect class="f-${look}" x="${x.toFixed(3)}%" y="0" width="${width.toFixed(3)}%" height="100%" />`;
    x += width;
    return bar;
  });
  return html`
    <svg class="bar" aria-hidden="true" width="100%" height="10">${bars}</svg>
    <ul class="counts">${shown.map(
      ([look, count]) =>
        html`<li class="s-${look}">${glyph(look)} <strong>${count}</strong> ${wordOf(look)}</li>`,
    )}</ul>`;
}
