/** How a check came to its answer, in words. */
import type { CheckResult } from '../../events.ts';
import { wrongAnswerTexts } from '../convergence-text.ts';
import { plural } from '../text.ts';
import { span } from './look.ts';
import { type Html, html } from './markup.ts';
import type { StepPart } from './matrix-view.ts';

export function convergence(
  { convergence, proof, state }: CheckResult,
  { result }: StepPart,
): Html | undefined {
  if (convergence === undefined && proof === undefined) return undefined;
  const { attempts = 0, firstRightMs, lastWrongMs } = convergence ?? {};
  return html`<section class="part"><h5>How the answer came about</h5>
    <ul class="plainlist">
      ${convergence !== undefined && html`<li>${plural(attempts, 'request')}</li>`}
      ${result?.heldMs !== undefined && html`<li>all proxies had the configuration after ${span(result.heldMs)}</li>`}
      ${lastWrongMs !== undefined && html`<li>last wrong answer after ${span(lastWrongMs)}</li>`}
      ${firstRightMs !== undefined && html`<li>first right answer after ${span(firstRightMs)}</li>`}
      ${convergence !== undefined && wrongAnswerTexts(convergence, state).map((text) => html`<li>${text}</li>`)}
      ${proof !== undefined && html`<li>proof: ${proof}</li>`}
    </ul></section>`;
}
