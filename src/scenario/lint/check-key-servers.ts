/** Checks that key servers can do what is said of them. */

import { hyphenated } from '../../base/names.ts';
import type { KeyServerChange, KeyServerSpec, ScenarioSpec } from '../format/schema.ts';
import { externalOnly } from '../format/schema-key-servers.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { mustExist, type Report } from './mistakes.ts';
import { literal } from './sendable.ts';

export function checkKeyServers(scenario: ScenarioSpec, report: Report): void {
  checkHosts(Object.keys(scenario.keyServers), report);
  for (const [name, server] of Object.entries(scenario.keyServers)) {
    const at = ['keyServers', name];
    checkPath(server, [...at, 'path'], report);
    mustExist(server.serves, scenario.issuers, 'issuer', [...at, 'serves'], report);
    if (server.where === 'external' && server.pods !== undefined) {
      const hint = 'Write "where: in-cluster", or remove "pods".';
      report([...at, 'pods'], '"pods" has no meaning for an external key server', hint, 'key');
    }
    if (server.where === 'in-cluster') {
      for (const key of externalOnly) {
        if (server[key as keyof typeof server] === undefined) continue;
        const hint = `Remove "${key}", or write "where: external".`;
        report([...at, key], `only an external key server has "${key}"`, hint, 'key');
      }
    }
    checkBehaviour(server, server.serves, at, scenario, report);
  }
}

/** Their hosts have letters, digits and hyphens alone. */
function checkHosts(names: readonly string[], report: Report): void {
  const hosts = names.map(hyphenated);
  for (const [index, name] of names.entries()) {
    const first = hosts.indexOf(hosts[index]!);
    if (first === index) continue;
    const hint = 'Let them differ in letters from a to z or in digits.';
    const message = `the key servers "${names[first]}" and "${name}" would have the same host`;
    report(['keyServers', name], message, hint, 'key');
  }
}

/** Requests are known by the path that comes, which has no query and is in ASCII. */
function checkPath({ path, discovery }: KeyServerSpec, at: Path, report: Report): void {
  const [found] = /[?#]|[^!-~]/u.exec(path) ?? [];
  if (found !== undefined) {
    const hint = /[?#]/.test(found)
      ? `Leave out "${found}" and what follows: a query may stand in the jwksUri, and is not looked at.`
      : `Write it as ${encodeURIComponent(found)}, as clients send it.`;
    report(at, `the path has "${found}" in it, so nobody would get the keys there`, hint);
  }
  if (discovery === true && path === '/.well-known/openid-configuration') {
    const hint = 'Keys are at another path, to which the document leads: choose one such as /get_jwks.';
    report(at, 'with "discovery" this path has the document, and not the keys', hint);
  }
}

/** What takes the place of the keys, each in place of the others. */
const inPlaceOfKeys = ['stopped', 'reset', 'redirect', 'body', 'status'] as const;

/** @param serves name of the issuer whose keys they are */
export function checkBehaviour(
  change: KeyServerChange,
  serves: string,
  at: Path,
  { issuers }: ScenarioSpec,
  report: Report,
): void {
  const issuer = issuers[serves];
  const names = Object.keys(issuer?.keys ?? {});
  for (const [index, key] of (change.keys ?? []).entries()) {
    if (issuer === undefined || names.includes(key)) continue;
    const hint = names.length === 0 ? 'Give it some under "keys".' : `It has: ${names.join(', ')}.`;
    report([...at, 'keys', index], `the issuer "${serves}" has no key "${key}"`, hint);
  }
  const [first, ...others] = inPlaceOfKeys.filter((key) => change[key] !== undefined);
  // A redirection and a body may have a status code of their own.
  const clash = others.filter((key) => key !== 'status' || !['redirect', 'body'].includes(first ?? ''));
  for (const key of clash) {
    report([...at, key], `"${key}" has no meaning beside "${first}"`, 'Keep one of them.', 'key');
  }
  const given = (['keys', 'more', 'copies'] as const).find((key) => change[key] !== undefined);
  // Under keyServers they are what it serves later.
  if (given !== undefined && first !== undefined && at[0] === 'steps') {
    const hint = `Remove "${given}": no keys are served.`;
    report([...at, given], `"${given}" has no meaning beside "${first}"`, hint, 'key');
  }
  if (change.type !== undefined && change.body === undefined)
    report([...at, 'type'], '"type" has no meaning without "body"', 'Add "body", or remove it.', 'key');
  if (change.status !== undefined && change.status < 200)
    report([...at, 'status'], 'a status below 200 is no answer', 'Write one from 200 to 599.');
  for (const key of ['redirect', 'type'] as const) {
    // As RFC 9110, section 5.5 has it: a value is of bytes, none of which ends a line.
    const [found] = /[^\t\x20-\xff]|\x7f/u.exec(literal(change[key] ?? '')) ?? [];
    if (found === undefined) continue;
    const header = key === 'redirect' ? 'Location' : 'Content-Type';
    const hint = `Write it as ${encodeURIComponent(found)}, or remove it.`;
    report([...at, key], `no header ${header} can have ${JSON.stringify(found)} in it`, hint);
  }
}
