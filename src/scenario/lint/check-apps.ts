/**
 * Checks that a scenario names the applications that it uses. They stay up between scenarios, so one that does not would
 * work in company and not alone.
 */

import { hintFor } from '../../base/suggest.ts';
import type { ScenarioSpec } from '../format/schema.ts';
import { type Contents, contentsOf, type KnownApp, type Named, type Workload } from '../known-apps.ts';
import type { Report } from './mistakes.ts';
import { type Use, usesOf } from './uses.ts';

/** @param apps all that there are. On a cluster there may be more than these, of which nothing is known. */
export function checkApps(scenario: ScenarioSpec, apps: readonly KnownApp[], report: Report): void {
  // What is there is for the mesh to say.
  if (apps.length === 0 || scenario.live === true) return;
  const known = apps.map(({ app }) => app);
  // Capitals are a mistake of their own.
  const named = scenario.apps.map((app) => app.toLowerCase());
  for (const [index, app] of named.entries()) {
    if (known.includes(app)) continue;
    report(['apps', index], `there is no application "${app}" in kind/apps`, hintFor(app, known, 'apps'));
  }
  const others = apps.filter(({ app }) => !named.includes(app));
  const there: Contents[] = [
    ...apps.filter(({ app }) => named.includes(app)),
    contentsOf(scenario.steps.flatMap(({ apply = [] }) => apply)),
  ];
  // Naming an application mends all places where it is used.
  const missing = new Map<string, { readonly use: Use; readonly what: string }>();
  for (const use of usesOf(scenario)) {
    if (there.some((contents) => found(use, contents) !== undefined)) continue;
    for (const contents of others) {
      const what = found(use, contents);
      if (what !== undefined && !missing.has(contents.app)) missing.set(contents.app, { use, what });
      if (what !== undefined) break;
    }
  }
  const all = [...named.filter((app) => known.includes(app)), ...missing.keys()].join(', ');
  for (const [app, { use, what }] of missing) {
    report(
      use.path,
      `${what} is of the application "${app}", which the scenario does not name`,
      `It would be there only when another scenario has started it. Write "apps: [${all}]".`,
    );
  }
}

/** What of these contents is used, in words; undefined when nothing is. */
function found(use: Use, { workloads, services }: Contents): string | undefined {
  switch (use.kind) {
    case 'workload':
      return workloads.some((each) => isSame(each, use)) ? `"${use.name}.${use.namespace}"` : undefined;
    case 'service':
      return services.some((each) => isSame(each, use)) ? `"${use.name}.${use.namespace}"` : undefined;
    case 'text': {
      const host = services.map((each) => hostIn(use.text, each)).find((each) => each !== undefined);
      return host === undefined ? undefined : `"${host}"`;
    }
    case 'pods': {
      const labels = Object.entries(use.labels);
      const isSelected = ({ namespace, labels: of }: Workload) =>
        (use.namespace ?? namespace) === namespace &&
        labels.every(([key, value]) => Object.hasOwn(of, key) && of[key] === value);
      const text = labels.map(([key, value]) => `${key}: ${value}`).join(', ');
      return workloads.some(isSelected) ? `what "${text}" selects` : undefined;
    }
  }
}

const isSame = (one: Named, other: Named) => one.name === other.name && one.namespace === other.namespace;

/** Where a text names a Service in full, with its namespace, and nothing longer. */
function hostIn(text: string, { name, namespace }: Named): string | undefined {
  const host = String.raw`(?<![-\w.])${name}\.${namespace}(\.svc(\.cluster\.local)?)?(?![-\w]|\.[-\w])`;
  return new RegExp(host, 'i').exec(text)?.[0];
}
