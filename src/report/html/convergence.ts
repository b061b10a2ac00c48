/** How a check came to its answer, in words. */
import type { CheckResult } from '../../events.ts';
import { plural } from '../text.ts';
import { span } from './look.ts';
import { type Html, html } from './markup.ts';
import type { StepPart } from './view.ts';

export function convergence(
  { convergence, proof, state }: CheckResult,
  { result }: StepPart,
): Html | undefined {
  if (convergence === undefined && proof === undefined) return undefined;
  const { attempts = 0, firstRightMs, lastWrongMs, stale = 0 } = convergence ?? {};
  const isRight = state === 'passed';
  return html`<section class="part"><h5>How the answer came about</h5>
    <ul class="plainlist">
      ${convergence !== undefined && html`<li>${plural(attempts, 'request')}</li>`}
      ${result?.heldMs !== undefined && html`<li>all proxies had the configuration after ${span(result.heldMs)}</li>`}
      ${firstRightMs !== undefined && html`<li>first right answer after ${span(firstRightMs)}</li>`}
      ${lastWrongMs !== undefined && html`<li>last wrong answer after ${span(lastWrongMs)}</li>`}
      ${stale > 0 && html`<li>${plural(stale, 'answer')} ${isRight ? 'by the policy before' : 'that were wrong'}</li>`}
      ${proof !== undefined && html`<li>proof: ${proof}</li>`}
    </ul></section>`;
}
