/** Who sends: the client of all scenarios, one outside of the mesh, and those whom rules name. */

import { rootNamespace } from '../explain/world.ts';
import { matchesText } from '../policy/match/patterns.ts';
import { rulesOf } from '../policy/rules.ts';
import type { KubeObject } from '../target/target.ts';
import { dnsName, ownNamespace } from './places.ts';
import { type Alternative, alternativesOf, textFor } from './requests/wanted.ts';

export interface Client {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly hasSidecar: boolean;
}

export const sleep: Client = {
  name: 'sleep',
  namespace: ownNamespace,
  serviceAccount: 'default',
  hasSidecar: true,
};
/** Who sends to a gateway. */
export const outside: Client = { ...sleep, name: 'outside', hasSidecar: false };

/** All whom rules name, each once. */
export function clientsFor(policies: readonly KubeObject[]): Client[] {
  const all = policies.flatMap((policy) =>
    rulesOf(policy).flatMap((rule) =>
      alternativesOf(rule).flatMap(
        (wanted) => clientFor(wanted, policy.metadata.namespace ?? 'default') ?? [],
      ),
    ),
  );
  return [...new Map(all.map((client) => [nameOfClient(client), client])).values()];
}

/** As the field `from` of a step has it. */
export function nameOfClient({ name, namespace }: Client): string {
  return `${name}.${namespace}`;
}

/**
 * @param namespace of the policy
 * @returns undefined when the rule names nobody, or whom no pod can be
 */
export function clientFor({ of }: Alternative, namespace: string): Client | undefined {
  const [principal] = of.principals?.values ?? [];
  const [named] = of.namespaces?.values ?? [];
  const [account] = of.serviceAccounts?.values ?? [];
  if ([principal, named, account].every((each) => each === undefined || each === '*')) return undefined;
  const parts = /(?:^|\/)ns\/([^/]+)(?:\/sa\/(.+)|\/?\*)$/.exec(principal ?? '');
  const [ofAccount, own] = account?.includes('/')
    ? account.split('/')
    : [account === undefined ? undefined : namespace, account];
  const plain = (text: string | undefined) =>
    text === undefined || text === '*' ? undefined : textFor(text);
  const home = plain(parts?.[1]) ?? plain(ofAccount) ?? namespaceFor(named, namespace) ?? namespace;
  const serviceAccount = plain(parts?.[2]) ?? own ?? /^\*.*\/(.+)$/.exec(principal ?? '')?.[1] ?? 'default';
  // Nothing is ever injected there (pkg/kube/inject, IgnoredNamespaces).
  if ([home, serviceAccount].some((name) => !/^[a-z0-9][-a-z0-9]*$/.test(name)) || home.startsWith('kube-'))
    return undefined;
  if (home === rootNamespace && serviceAccount === 'istiod') return undefined;
  return { name: dnsName(`client-${serviceAccount}`), namespace: home, serviceAccount, hasSidecar: true };
}

function namespaceFor(pattern: string | undefined, own: string): string | undefined {
  if (pattern === undefined || pattern === '*') return undefined;
  return matchesText(pattern, own) ? own : textFor(pattern);
}
