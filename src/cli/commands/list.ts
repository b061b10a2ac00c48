/** `jwt-e2e list`: shows the scenarios that there are, as a run would have them. */

import { exitCodes } from '../../base/errors.ts';
import { harmlessJson, oneLine } from '../../base/harmless.ts';
import { checksIn, expectedPlan } from '../../plan/expected.ts';
import type { Selection } from '../../plan/select.ts';
import type { PlannedScenario } from '../../plan/types.ts';
import { plural } from '../../report/text.ts';
import { type LoadedScenario, loadScenarios } from '../../scenario/load.ts';
import type { Output } from '../support/io.ts';
import { exitCodeOf, renderAll } from './lint.ts';

export interface ListOptions extends Selection {
  readonly cwd: string;
  /** The version of Istio that it is about. */
  readonly istio: string;
  /** Write a JSON array instead of text. */
  readonly json?: boolean | undefined;
}

/** One scenario in `list --json`. */
interface ListedScenario {
  readonly name: string;
  readonly title: string;
  readonly profile: string;
  readonly file: string;
  /** Absent when no document makes the promise. */
  readonly source?:
    | { readonly document: string; readonly section: string; readonly url?: string | undefined }
    | undefined;
  readonly tags: readonly string[];
  readonly requires: readonly string[];
  readonly apps: readonly string[];
  /** The fetch modes it runs in, once in each; empty when any will do. */
  readonly modes: readonly string[];
  readonly steps: number;
  /** Checks in all fetch modes together. */
  readonly checks: number;
}

/**
 * Writes the scenarios to `stdout`, with how many steps and checks a run has of them in each fetch mode. Mistakes in files
 * go to `stderr`; the other scenarios are still shown.
 *
 * @returns the exit code: 0, or that of {@link exitCodeOf}
 */
export function listCommand(paths: readonly string[], options: ListOptions, io: Output): number {
  const { scenarios, errors } = loadScenarios(paths, options);
  const planned = expectedPlan(scenarios, options.istio, options);
  const listed = scenarios.flatMap((scenario) => {
    const runs = planned.scenarios.filter(({ info }) => info.name === scenario.name);
    return runs.length === 0 ? [] : [{ scenario, runs }];
  });
  if (options.json === true) {
    io.stdout.write(
      `${harmlessJson(
        listed.map(({ scenario, runs }) => describe(scenario, runs)),
        2,
      )}\n`,
    );
  } else {
    const total = `${plural(planned.scenarios.length, 'scenario')}, ${plural(checksIn(planned), 'check')}`;
    const blocks = listed.map(({ scenario, runs }) => blockOf(scenario, runs));
    io.stdout.write(`${[...blocks, `${total} with Istio ${options.istio}`].join('\n')}\n`);
  }
  if (errors.length === 0) return exitCodes.passed;
  io.stderr.write(renderAll(errors, options.cwd));
  return exitCodeOf(errors);
}

function describe(scenario: LoadedScenario, runs: readonly PlannedScenario[]): ListedScenario {
  const { name, title, profile, file, source, tags, requires, apps } = scenario;
  return {
    ...{ name, title, profile, file, source, tags, requires, apps },
    modes: runs.flatMap(({ fetch }) => fetch ?? []),
    steps: scenario.steps.length,
    checks: checksIn({ scenarios: runs }),
  };
}

function blockOf(scenario: LoadedScenario, runs: readonly PlannedScenario[]): string {
  const { name, title, profile, file, tags, requires, steps } = scenario;
  const lines = [
    `${oneLine(name)}  (${oneLine(profile)})`,
    `  ${oneLine(title)}`,
    `  ${plural(steps.length, 'step')}, ${sizeOf(runs)}`,
  ];
  if (tags.length > 0) lines.push(`  tags: ${oneLine(tags.join(', '))}`);
  if (requires.length > 0) lines.push(`  requires: ${oneLine(requires.join(', '))}`);
  return [...lines, `  ${oneLine(file)}`, ''].join('\n');
}

/** Steps may be for some of the fetch modes only. */
function sizeOf(runs: readonly PlannedScenario[]): string {
  const sizes = runs.map((run) => ({ fetch: run.fetch, checks: checksIn({ scenarios: [run] }) }));
  const [first] = sizes;
  if (first?.fetch === undefined) return plural(first?.checks ?? 0, 'check');
  if (sizes.every(({ checks }) => checks === first.checks)) {
    return `${plural(first.checks, 'check')} in each fetch mode: ${sizes.map(({ fetch }) => fetch).join(', ')}`;
  }
  return sizes.map(({ fetch, checks }) => `${plural(checks, 'check')} in fetch mode ${fetch}`).join(', ');
}
