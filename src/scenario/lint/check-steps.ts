/** Checks that the parts of each step fit together, and that checks have ids of their own. */

import type { ScenarioSpec, StepSpec } from '../format/schema.ts';
import { checkId, checkNames } from '../table.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { checkBehaviour } from './check-key-servers.ts';
import { mustExist, type Report } from './mistakes.ts';

export function checkSteps(scenario: ScenarioSpec, report: Report): void {
  if (scenario.steps.every((step) => !step.expect && !step.fetched && !step.refused && !step.rejected)) {
    const hint =
      'Nothing is compared with anything. Add "expect", "fetched", "refused" or "rejected" to one of the steps.';
    report(['steps'], 'the scenario has no check', hint, 'key');
  }
  const names = new Set<string>();
  const ids = new Set<string>();
  for (const [index, step] of scenario.steps.entries()) {
    const at = ['steps', index];
    if (names.has(step.name)) {
      const hint = 'Every step has a name of its own; reports tell them apart by it.';
      report([...at, 'name'], `there already is a step "${step.name}"`, hint);
    } else {
      const columns = step.expect?.columns ?? [];
      // Columns that are there twice are a mistake of the table.
      const checks = new Set(columns).size < columns.length ? [] : checkNames(step, at);
      for (const check of checks) {
        const id = checkId(scenario.name, step.name, check);
        const hint = 'Every check has an id of its own: rename the row, the column or the step.';
        if (ids.has(id)) report(check.path, `there already is a check "${id}"`, hint);
        ids.add(id);
      }
    }
    names.add(step.name);
    checkParts(step, at, report);
    checkThrough(step, at, scenario, report);
    checkFetched(step, at, scenario, report);
    checkSet(step, at, scenario, report);
  }
}

function checkParts(step: StepSpec, at: Path, report: Report): void {
  const {
    apply,
    delete: deleted,
    expect,
    fetched,
    from,
    refused,
    rejected,
    request,
    selectsNothing,
    set,
    through,
    within,
  } = step;
  if (from !== undefined && through !== undefined) {
    const hint = '"from" sends from a pod, "through" from outside through the gateway. Keep one.';
    report([...at, 'through'], 'a step has either "from" or "through"', hint, 'key');
  }
  if (expect !== undefined && from === undefined && through === undefined) {
    const hint = 'Add "from: sleep.foo" to send from a pod, or "through: ingress" to send from outside.';
    report([...at, 'expect'], 'nothing says where these requests start', hint, 'key');
  }
  if (expect === undefined && request !== undefined) {
    report(
      [...at, 'request'],
      'nothing is sent without "expect"',
      'Add "expect", or remove "request".',
      'key',
    );
  }
  if (within !== undefined && expect === undefined) {
    const hint = 'It is about the answers of a table: add "expect", or remove it.';
    report([...at, 'within'], '"within" has no meaning without "expect"', hint, 'key');
  }
  if (through !== undefined && request?.url !== undefined) {
    const hint = 'Requests go to the gateway: remove "url", and name another host with "host".';
    report([...at, 'request', 'url'], '"url" has no effect through a gateway', hint, 'key');
  }
  if (refused !== undefined && apply === undefined) {
    report(
      [...at, 'refused'],
      '"refused" needs something to apply',
      'Add "apply" with the manifests.',
      'key',
    );
  }
  if (rejected !== undefined && apply === undefined) {
    const hint = 'Add "apply" with the manifests.';
    report([...at, 'rejected'], '"rejected" needs something to apply', hint, 'key');
  }
  if (rejected !== undefined && refused !== undefined) {
    const hint = 'What the API server refuses comes to no proxy. Keep one.';
    report([...at, 'rejected'], 'a step has either "refused" or "rejected"', hint, 'key');
  }
  if (selectsNothing !== undefined && apply === undefined) {
    const hint = 'It is about the policies that the step applies: add "apply", or remove it.';
    report([...at, 'selectsNothing'], '"selectsNothing" needs something to apply', hint, 'key');
  }
  if ([apply, deleted, expect, fetched, set].every((part) => part === undefined)) {
    const hint = 'Add at least one of apply, delete, set, expect and fetched.';
    report([...at, 'name'], `the step "${step.name}" does nothing`, hint, 'key');
  }
}

function checkThrough({ through }: StepSpec, at: Path, { certificates }: ScenarioSpec, report: Report): void {
  if (through === undefined || typeof through === 'string') return;
  const { https, sni } = through;
  const path = [...at, 'through'];
  if (https !== undefined) mustExist(https, certificates, 'certificate', [...path, 'https'], report);
  else if (sni !== undefined) {
    const hint = 'Only HTTPS has a server name: add "https" with the name of a certificate, or remove "sni".';
    report([...path, 'sni'], '"sni" has no effect without "https"', hint, 'key');
  }
}

function checkSet({ set = {}, after }: StepSpec, at: Path, scenario: ScenarioSpec, report: Report): void {
  const { keyServers } = scenario;
  for (const [name, change] of Object.entries(set)) {
    const path = [...at, 'set', name];
    if (!mustExist(name, keyServers, 'key server', path, report)) continue;
    const server = keyServers[name]!;
    if (server.where === 'in-cluster') {
      const hint = 'Change its workload with "apply", or write "where: external".';
      report(path, `"${name}" is in the cluster, and only external key servers can be set`, hint, 'key');
    }
    checkBehaviour(change, server.serves, path, scenario, report);
  }
  if (after !== undefined) checkLogged(after.of, [...at, 'after', 'of'], scenario, report);
}

function checkFetched({ fetched }: StepSpec, at: Path, scenario: ScenarioSpec, report: Report): void {
  if (fetched !== undefined) checkLogged(fetched.from, [...at, 'fetched', 'from'], scenario, report);
}

/** The server must be there, and have a log that can be read. */
function checkLogged(name: string, path: Path, { keyServers }: ScenarioSpec, report: Report): void {
  if (!mustExist(name, keyServers, 'key server', path, report)) return;
  const server = keyServers[name];
  if (server?.where !== 'in-cluster' || server.pods !== undefined) return;
  report(
    path,
    `"${name}" is in the cluster, and nothing says which pods it is`,
    `Add "pods: { namespace: …, app: … }" to the key server, so that their access log can be read.`,
  );
}
