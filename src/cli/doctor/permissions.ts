/** Whether the users of a cluster may do what a run does: the roles of docs/rbac, asked for rule by rule. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isMap, parseDocument, type YAMLSeq } from 'yaml';
import { HarnessError } from '../../base/errors.ts';
import { together } from '../../base/wait.ts';
import { rbacFolder } from '../../engine/product.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Clients } from '../../target/kubernetes/client-for.ts';
import type { Finding, Surroundings } from './finding.ts';

/** One thing that a user may or may not do, in all namespaces. */
export interface Permission {
  readonly group: string;
  /** As in roles: `pods`, or `pods/exec`. */
  readonly resource: string;
  readonly verb: string;
  /** A run does without it. */
  readonly optional: boolean;
}

/** Each role with the client of the user who needs it. */
const roles = { 'data-plane.yaml': 'data', 'mesh.yaml': 'mesh' } as const;

export async function permissions(clients: Clients, around: Surroundings): Promise<Finding[]> {
  const all = Object.entries(roles).map(([file, client]) => lookAt(file, clients[client], around.signal));
  return Promise.all(all);
}

async function lookAt(file: string, client: KubeClient, signal: AbortSignal): Promise<Finding> {
  const path = join(rbacFolder, file);
  const name = `role of ${file}`;
  const wanted = permissionsOf(readFileSync(path, 'utf8'));
  try {
    const allowed = await together(wanted, (each) => isAllowed(client, each, signal), signal, 16);
    const denied = wanted.filter((_, index) => !allowed[index]);
    if (denied.length === 0) {
      return { name, state: 'ok', text: `context ${client.name} may do all ${wanted.length} things in it` };
    }
    const state = denied.every(({ optional }) => optional) ? 'warning' : 'broken';
    return {
      name,
      state,
      text: `context ${client.name} may not ${inWords(denied)}`,
      remedy: `Let an administrator do this: kubectl apply -f ${shown(path)}, and bind it to the user: see docs/cluster-rbac.md.`,
    };
  } catch (thrown) {
    if (!(thrown instanceof KubeError)) throw thrown;
    const text = `what context ${client.name} may do cannot be asked: ${thrown.message}`;
    return { name, state: 'warning', text, remedy: 'Look with --dry-run before you run.' };
  }
}

/** SelfSubjectAccessReview: the API server's own answer, whatever decides there. It changes nothing. */
async function isAllowed(client: KubeClient, permission: Permission, signal: AbortSignal): Promise<boolean> {
  const [resource, subresource] = permission.resource.split('/');
  const attributes = { group: permission.group, resource, subresource, verb: permission.verb };
  const apiVersion = 'authorization.k8s.io/v1';
  const { body } = await client.request(`/apis/${apiVersion}/selfsubjectaccessreviews`, {
    method: 'POST',
    body: { apiVersion, kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: attributes } },
    signal,
    timeoutMs: 5_000,
  });
  return (body as { status?: { allowed?: boolean } }).status?.allowed === true;
}

/** What a ClusterRole allows. A rule below a comment that begins with "Optional" can be done without. */
export function permissionsOf(role: string): Permission[] {
  const document = parseDocument(role);
  const rules = document.get('rules') as YAMLSeq | undefined;
  if (document.errors.length > 0 || rules === undefined) {
    throw new HarnessError('E_INTERNAL', 'the role has no rules');
  }
  return rules.items.flatMap((rule) => {
    if (!isMap(rule)) return [];
    const { apiGroups, resources, verbs } = rule.toJS(document) as Record<string, string[]>;
    const optional = /^\s*Optional\b/.test(rule.commentBefore ?? '');
    return (apiGroups ?? []).flatMap((group) =>
      (resources ?? []).flatMap((resource) =>
        (verbs ?? []).map((verb) => ({ group, resource, verb, optional })),
      ),
    );
  });
}

/** `create, patch deployments.apps; get pods/log`. */
function inWords(denied: readonly Permission[]): string {
  const verbs = new Map<string, string[]>();
  for (const { group, resource, verb } of denied) {
    const what = group === '' ? resource : `${resource}.${group}`;
    verbs.set(what, [...(verbs.get(what) ?? []), verb]);
  }
  return [...verbs].map(([what, all]) => `${all.join(', ')} ${what}`).join('; ');
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
