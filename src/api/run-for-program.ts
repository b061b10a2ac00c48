/** A run for a program: the same as `jwt-e2e run`, with its events instead of reports. */

import { asHarnessError, exitCodes, formatPlace, HarnessError } from '../base/errors.ts';
import type { Emit, Event } from '../base/events.ts';
import { execute, finishWithout, targetsOf } from '../engine/engine.ts';
import { lookAhead } from '../engine/look-ahead.ts';
import { pathsOf } from '../engine/product.ts';
import { expectMatch, runSettings } from '../engine/run-settings.ts';
import { KeyRing } from '../run/keys/key-ring.ts';
import { loadScenarios } from '../scenario/load.ts';
import { text } from '../settings/typed.ts';
import { EventStream } from './event-stream.ts';
import type { Settings } from './program-settings.ts';
import { valuesOf } from './values.ts';

/** The settings that most runs need; `settings` has all of them. */
type Common = Pick<
  Settings,
  'target' | 'name' | 'istio' | 'context' | 'kubeconfig' | 'profile' | 'grep' | 'tag'
>;

export interface RunOptions extends Common {
  /** Scenario files and folders, relative to where the program was started; without them, those of the product. */
  readonly files?: readonly string[] | undefined;
  /** Any setting by the name of its flag, such as `'answer-timeout': 60`. What is named beside it takes precedence. */
  readonly settings?: Settings | undefined;
  /** Ends the run in good order when it is aborted: everything is undone, and the last event says so. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs scenarios and yields what happens, as it happens; the last event is `run-finished`. Nothing is written but the
 * evidence of failed checks (setting `artifacts`). Breaking out of the loop ends the run: it returns when everything that
 * was set up has been taken down.
 *
 * @throws HarnessError on the first step of the loop, before anything is done: E_USAGE or E_SETTINGS for wrong options,
 * E_SCENARIO or E_TEMPLATE for mistakes in scenario files. What goes wrong later is told by events.
 */
export function run(options: RunOptions = {}): AsyncIterableIterator<Event> {
  return new EventStream((emit, stop) => {
    const { signal } = options;
    return runOnce(options, emit, signal === undefined ? stop : AbortSignal.any([signal, stop]));
  });
}

async function runOnce(options: RunOptions, emit: Emit, signal: AbortSignal): Promise<void> {
  const { files = [], settings: more, signal: _, ...common } = options;
  const values = valuesOf({ ...more, ...withoutUndefined(common) });
  const { scenarios, errors } = loadScenarios(pathsOf(files, text(values, 'profile')), {
    cwd: process.cwd(),
  });
  if (errors.length > 0) throw oneOf(errors);
  const settings = runSettings(values);
  expectMatch(settings, scenarios);
  const keys = new KeyRing(settings.options.runId);
  keys.begin(scenarios);
  const execution = { settings, scenarios, keys, emit, signal };
  try {
    await execute(execution, await targetsOf(execution, await lookAhead(execution)));
  } catch (thrown) {
    // What is wrong about the options is the caller's mistake; that there can be no mesh is a result.
    if (asHarnessError(thrown).exitCode === exitCodes.usage && !signal.aborted) throw thrown;
    finishWithout(thrown, execution);
  } finally {
    keys.end();
  }
}

function withoutUndefined(common: Common): Common {
  return Object.fromEntries(Object.entries(common).filter(([, value]) => value !== undefined));
}

/** All mistakes as one error, which has the place of the first and the others as details. */
function oneOf(errors: readonly HarnessError[]): HarnessError {
  const [first] = errors;
  if (first === undefined || errors.length === 1) return first ?? new HarnessError('E_INTERNAL', 'no error');
  const lines = errors.map(
    ({ message, place }) => `${place === undefined ? '' : `${formatPlace(place)}: `}${message}`,
  );
  return new HarnessError(first.code, `${first.message}, and ${errors.length - 1} more`, {
    hint: first.hint,
    place: first.place,
    details: lines.join('\n'),
    cause: first,
  });
}
