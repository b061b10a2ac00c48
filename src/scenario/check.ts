/** What the schema cannot say: that everything a scenario refers to exists, and that its parts fit together. */
import { checkConditions } from './check-conditions.ts';
import { checkNamespaces } from './check-namespaces.ts';
import { checkSteps } from './check-steps.ts';
import { checkTables } from './check-tables.ts';
import { checkIssuers, checkKeyServers, checkTokens } from './check-tokens.ts';
import { type Report, reservedNames } from './mistakes.ts';
import type { ScenarioSpec } from './schema.ts';
import type { Path } from './yaml-file.ts';

/**
 * Reports every mistake in a scenario whose lists are expanded, except those in `${…}`.
 *
 * @param origin says where in the file something stands, the same for all that lists and aliases make of one text
 */
export function checkScenario(scenario: ScenarioSpec, report: Report, origin: (path: Path) => string): void {
  checkLists(scenario, report);
  checkNames(scenario, report);
  checkConditions(scenario, report, origin);
  checkIssuers(scenario, report);
  checkTokens(scenario, report);
  checkKeyServers(scenario, report);
  checkSteps(scenario, report);
  checkNamespaces(scenario, report);
  checkTables(scenario, report);
}

function checkLists({ lists = {} }: ScenarioSpec, report: Report): void {
  for (const [name, values] of Object.entries(lists)) {
    if (!/^[A-Za-z_][\w-]*$/.test(name)) {
      report(
        ['lists', name],
        `"${name}" cannot be the name of a list`,
        'Use letters, digits, "_" and "-".',
        'key',
      );
    } else if (reservedNames.includes(name)) {
      report(
        ['lists', name],
        `a list cannot be called "${name}"`,
        `\${${name}} means something else.`,
        'key',
      );
    }
    for (const [index, value] of values.entries()) {
      const at = ['lists', name, index];
      if (value.includes('${')) report(at, 'a list cannot contain "${"', 'Write out the values of the list.');
      if (values.indexOf(value) < index) {
        report(at, `"${value}" is in the list twice`, 'Remove one of them.');
      }
    }
  }
}

function checkNames({ apps, mesh, requires, tags }: ScenarioSpec, report: Report): void {
  for (const [index, app] of apps.entries()) {
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(app)) {
      const hint = `Use lower case letters, digits and hyphens, such as "${app.toLowerCase()}".`;
      report(['apps', index], `"${app}" cannot be the name of an app`, hint);
    }
  }
  const once = { apps, requires, tags };
  for (const [key, values] of Object.entries(once)) checkOnce(values, [key], report);
  checkOnce(mesh?.fetch ?? [], ['mesh', 'fetch'], report);
}

function checkOnce(values: readonly string[], path: Path, report: Report): void {
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) < index) {
      report([...path, index], `"${value}" is there twice`, 'Remove one of them.');
    }
  }
}
