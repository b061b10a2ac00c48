/** What the schema cannot say: that everything a scenario refers to exists, and that its parts fit together. */

import { fetchVariable, isFixedVariable } from '../../base/istiod-input.ts';
import { isMap } from '../../base/kube-object.ts';
import type { ScenarioSpec } from '../format/schema.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { checkConditions } from './check-conditions.ts';
import { checkKeyServers } from './check-key-servers.ts';
import { checkSteps } from './check-steps.ts';
import { checkTables } from './check-tables.ts';
import { checkIssuers, checkTokens } from './check-tokens.ts';
import { type Report, reservedNames } from './mistakes.ts';

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
  checkLive(scenario, report);
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
  checkOnce(mesh?.trustDomainAliases ?? [], ['mesh', 'trustDomainAliases'], report);
  checkVariables(mesh?.istiod ?? {}, report);
  checkProxyConfig(mesh?.defaultConfig, report);
  checkProviders(mesh?.extensionProviders ?? [], report);
}

/** istiod takes them with fewer or more, and sends none of them. */
function checkProviders(providers: readonly Readonly<Record<string, unknown>>[], report: Report): void {
  const names = providers.map(({ name }) => name);
  for (const [index, { name, ...kinds }] of providers.entries()) {
    const path = ['mesh', 'extensionProviders', index];
    const [kind, ...others] = Object.keys(kinds);
    if (typeof name !== 'string' || name === '') {
      const hint = 'Add "name" with the text by which policies and Telemetry name it.';
      report(name === undefined ? path : [...path, 'name'], 'a provider needs a name', hint);
    } else if (names.indexOf(name) < index) {
      report(
        [...path, 'name'],
        `there already is a provider "${name}"`,
        'Give it another name, or remove it.',
      );
    }
    if (kind === undefined) {
      const hint =
        'Add one, such as envoyExtAuthzHttp: { service: authorizer.foo.svc.cluster.local, port: 8000 }.';
      report(path, 'nothing says what kind of provider it is', hint);
    } else if (!isMap(kinds[kind])) {
      report(
        [...path, kind],
        `"${kind}" of a provider must be a map`,
        'Write { service: …, port: … }, or remove it.',
      );
    }
    for (const other of others)
      report([...path, other], `a provider has either "${kind}" or "${other}"`, 'Make two of it.', 'key');
  }
}

/** What istiod makes configuration of that it sends (pilot/pkg/networking/core/gateway.go, .../util/proxy_headers.go). */
const proxyFields = ['gatewayTopology', 'proxyHeaders'];

/** Other fields are for pilot-agent and for injection, which not every target has, or are about no answer. */
function checkProxyConfig(config: Readonly<Record<string, unknown>> | undefined, report: Report): void {
  if (config === undefined) return;
  const path = ['mesh', 'defaultConfig'];
  const hint = `A scenario can set ${proxyFields.join(' and ')}. Others are about how proxies are started, which belongs to the installation.`;
  const names = Object.keys(config);
  if (names.length === 0) report(path, 'expected at least one field', hint);
  for (const name of names) {
    const value = config[name];
    if (!proxyFields.includes(name))
      report([...path, name], `a scenario cannot set ${name} of proxies`, hint, 'key');
    else if (!isMap(value))
      report([...path, name], `"${name}" must be a map`, 'Write its fields, or remove it.');
  }
}

function checkVariables(variables: Readonly<Record<string, string>>, report: Report): void {
  if (Object.keys(variables).length === 0) return;
  for (const name of Object.keys(variables)) {
    const path = ['mesh', 'istiod', name];
    if (isFixedVariable(name)) {
      const hint =
        name.toUpperCase() === fetchVariable
          ? 'Say who fetches the keys with "fetch", such as mesh: { fetch: [envoy] }.'
          : 'istiod works only with the value of its installation. Remove it.';
      report(path, `a scenario cannot set ${name}`, hint, 'key');
    } else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const hint = 'Use letters, digits and "_", such as PILOT_JWT_PUB_KEY_REFRESH_INTERVAL.';
      report(path, `"${name}" cannot be the name of a variable`, hint, 'key');
    }
  }
}

function checkOnce(values: readonly string[], path: Path, report: Report): void {
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) < index) {
      report([...path, index], `"${value}" is there twice`, 'Remove one of them.');
    }
  }
}

// Checks that objects of Istio and of the Gateway API say in which namespace they are.

/** Groups whose kinds all have a namespace, but for {@link ofTheCluster}. */
const groups = [
  'security.istio.io',
  'networking.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
  'gateway.networking.k8s.io',
  'gateway.networking.x-k8s.io',
];
/** @see https://gateway-api.sigs.k8s.io/concepts/api-overview/ */
const ofTheCluster = ['GatewayClass', 'XMesh'];

/** What the API server has for objects without one, where a policy selects nothing that the scenario is about. */
const taken = 'default';

function checkNamespaces({ steps }: ScenarioSpec, report: Report): void {
  for (const [index, step] of steps.entries()) {
    for (const [i, { apiVersion, kind, metadata }] of (step.apply ?? []).entries()) {
      if (metadata.namespace !== undefined || !hasNamespace(apiVersion, kind)) continue;
      report(
        ['steps', index, 'apply', i, 'metadata'],
        `${kind} ${metadata.name} has no namespace, and would be applied in "${taken}"`,
        `Write "namespace: foo" below metadata, or "namespace: ${taken}" if that is meant.`,
        'key',
      );
    }
    for (const [i, { apiVersion, kind, name, namespace }] of (step.delete ?? []).entries()) {
      if (namespace !== undefined || !hasNamespace(apiVersion, kind)) continue;
      report(
        ['steps', index, 'delete', i],
        `${kind} ${name} has no namespace, and would be deleted from "${taken}"`,
        `Write "namespace: foo" beside its name, or "namespace: ${taken}" if that is meant.`,
      );
    }
  }
}

function hasNamespace(apiVersion: string, kind: string): boolean {
  return groups.includes(apiVersion.split('/')[0]!) && !ofTheCluster.includes(kind);
}

/** What changes a mesh, or starts something in it or for it. */
const ofScenario = ['apps', 'keyServers', 'mesh'] as const;
const ofStep = ['apply', 'delete', 'refused', 'fetched', 'selectsNothing'] as const;

/** A live scenario is about a mesh that others use, as it is. */
function checkLive(scenario: ScenarioSpec, report: Report): void {
  if (scenario.live !== true) return;
  const hint =
    'Take it out. A scenario that changes something runs on a mesh of its own: take "live" out instead.';
  const refuse = (path: (string | number)[]) =>
    report(path, `a live scenario changes nothing, and "${path.at(-1)}" would`, hint, 'key');
  for (const field of ofScenario) {
    const value = scenario[field];
    if (value !== undefined && Object.keys(value).length > 0) refuse([field]);
  }
  for (const [index, step] of scenario.steps.entries())
    for (const field of ofStep) if (step[field] !== undefined) refuse(['steps', index, field]);
}
