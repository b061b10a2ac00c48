/** `jwt-e2e list`: shows the scenarios that there are. */
import { exitCodes } from '../../base/errors.ts';
import { harmlessJson, oneLine } from '../../base/harmless.ts';
import type { Selection } from '../../plan/select.ts';
import { isWanted } from '../../plan/select.ts';
import { variantsOf } from '../../plan/variants.ts';
import { type LoadedScenario, loadScenarios } from '../../scenario/load.ts';
import { checkId, checkNames } from '../../scenario/table.ts';
import type { Output } from '../support/io.ts';
import { count } from '../support/plural.ts';
import { exitCodeOf, renderAll } from './lint.ts';

export interface ListOptions extends Omit<Selection, 'shard'> {
  readonly cwd: string;
  /** Write a JSON array instead of text. */
  readonly json?: boolean | undefined;
}

/** One scenario in `list --json`. */
interface ListedScenario {
  readonly name: string;
  readonly title: string;
  readonly profile: string;
  readonly file: string;
  readonly source: { readonly document: string; readonly section: string; readonly url?: string | undefined };
  readonly tags: readonly string[];
  readonly requires: readonly string[];
  readonly apps: readonly string[];
  /** The fetch modes it runs in, once in each; empty when any will do. */
  readonly modes: readonly string[];
  readonly steps: number;
  /** Checks in one mode. Versions that have no use for some of them skip them. */
  readonly checks: number;
}

/**
 * Writes the scenarios to `stdout`, with how many steps and checks they have in each fetch mode. Mistakes in files go to
 * `stderr`; the other scenarios are still shown.
 *
 * @returns the exit code: 0, or that of {@link exitCodeOf}
 */
export function listCommand(paths: readonly string[], options: ListOptions, io: Output): number {
  const { scenarios, errors } = loadScenarios(paths, options);
  const listed = scenarios
    .filter((scenario) => isWanted(scenario, options) && isFound(scenario, options.grep))
    .map(describe);
  io.stdout.write(options.json === true ? `${harmlessJson(listed, 2)}\n` : asText(listed));
  if (errors.length === 0) return exitCodes.passed;
  io.stderr.write(renderAll(errors, options.cwd));
  return exitCodeOf(errors);
}

function isFound(scenario: LoadedScenario, grep = ''): boolean {
  const texts = scenario.steps.flatMap((step, index) => [
    step.name,
    ...checkNames(step, ['steps', index]).map((check) => checkId(scenario.name, step.name, check)),
  ]);
  const { name, title } = scenario;
  const ids = variantsOf(scenario).map(({ id }) => id);
  return [name, title, ...ids, ...texts].some((text) => text.toLowerCase().includes(grep.toLowerCase()));
}

function describe(scenario: LoadedScenario): ListedScenario {
  const { name, title, profile, file, source, tags, requires, apps, mesh, steps } = scenario;
  const checks = steps.reduce((sum, step, index) => sum + checkNames(step, ['steps', index]).length, 0);
  const modes = mesh?.fetch ?? [];
  return { name, title, profile, file, source, tags, requires, apps, modes, steps: steps.length, checks };
}

function asText(scenarios: readonly ListedScenario[]): string {
  const blocks = scenarios.map((scenario) => {
    const { name, title, profile, file, modes, steps, checks, tags, requires } = scenario;
    const size = `${count(steps, 'step')}, ${count(checks, 'check')}`;
    const inModes = modes.length === 0 ? size : `${size} in each fetch mode: ${modes.join(', ')}`;
    const lines = [`${oneLine(name)}  (${oneLine(profile)})`, `  ${oneLine(title)}`, `  ${inModes}`];
    if (tags.length > 0) lines.push(`  tags: ${oneLine(tags.join(', '))}`);
    if (requires.length > 0) lines.push(`  requires: ${oneLine(requires.join(', '))}`);
    return [...lines, `  ${oneLine(file)}`, ''].join('\n');
  });
  const all = scenarios.reduce((sum, { checks, modes }) => sum + checks * Math.max(1, modes.length), 0);
  return `${[...blocks, `${count(scenarios.length, 'scenario')}, ${count(all, 'check')}`].join('\n')}\n`;
}
