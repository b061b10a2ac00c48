/** What steps use of a mesh: where they send from and to, and what their manifests name and select. */

import type { KubeObject } from '../../base/kube-object.ts';
import type { RequestSpec, ScenarioSpec, StepSpec } from '../format/schema.ts';
import { at, mapOf, namespaceOf } from '../known-apps.ts';
import { isPath, type NamedRequests, podOf, rowsOf } from '../table.ts';
import type { Path } from '../yaml/yaml-file.ts';

/** Something that is used, and where the scenario says so. */
export type Use = { readonly path: Path } & (
  | { readonly kind: 'workload'; readonly name: string; readonly namespace: string }
  /** A text that may name hosts in full, such as `httpbin.foo`. */
  | { readonly kind: 'text'; readonly text: string }
  /** The short name of a Service, such as `httpbin`, in this namespace. */
  | { readonly kind: 'service'; readonly name: string; readonly namespace: string }
  /** Labels of pods; in all namespaces when none is named. */
  | { readonly kind: 'pods'; readonly labels: Readonly<Record<string, unknown>>; readonly namespace?: string }
);

export function usesOf({ keyServers, mesh, requests = {}, steps }: ScenarioSpec): Use[] {
  const servers = Object.entries(keyServers).flatMap(([name, { pods }]): Use[] =>
    pods === undefined
      ? []
      : [
          {
            kind: 'pods',
            labels: { app: pods.app },
            namespace: pods.namespace,
            path: ['keyServers', name, 'pods'],
          },
        ],
  );
  const providers: Use[] = [];
  visit(mesh?.extensionProviders, ['mesh', 'extensionProviders'], (value, path) => {
    if (typeof value === 'string') providers.push({ kind: 'text', text: value, path });
  });
  const own = steps.flatMap((step, index) => inStep(step, requests, ['steps', index]));
  return [...own, ...servers, ...providers];
}

function inStep(step: StepSpec, requests: NamedRequests, path: Path): Use[] {
  const manifests = (step.apply ?? []).flatMap((manifest, i) => inManifest(manifest, [...path, 'apply', i]));
  const clients = [
    { from: step.from, path: [...path, 'from'] },
    { from: step.request?.from, path: [...path, 'request', 'from'] },
    ...namedIn(step, requests).map(([name, { from }]) => ({ from, path: ['requests', name, 'from'] })),
  ].flatMap(({ from, path: where }) => (from === undefined ? [] : [{ ...podOf(from), path: where }]));
  const texts = addresses(step, requests, path);
  return [
    ...clients.map(({ app, namespace, path: where }): Use => {
      return { kind: 'workload', name: app, namespace, path: where };
    }),
    ...[...new Set(clients.map(({ namespace }) => namespace))].flatMap((namespace) =>
      texts.flatMap((each) => inAddress(each, namespace)),
    ),
    ...manifests,
  ];
}

interface Text {
  readonly text: string;
  readonly path: Path;
}

/** Everything that may say to which host requests go. */
function addresses({ request, expect }: StepSpec, requests: NamedRequests, path: Path): Text[] {
  const given = inRequest(request, [...path, 'request']);
  if (expect === undefined) return given;
  const rows = rowsOf(expect).map(([row]) => ({ text: row, path: [...path, 'expect', row, 0] }));
  const columns = expect.columns.map((column, i) => ({
    text: column,
    path: [...path, 'expect', 'columns', i],
  }));
  const names = [...rows, ...columns];
  return [
    ...given,
    ...namedIn({ expect }, requests).flatMap(([name, each]) => inRequest(each, ['requests', name])),
    ...names.filter(({ text }) => isPath(text)),
  ];
}

/** Those that the table of a step names. */
function namedIn({ expect }: Pick<StepSpec, 'expect'>, requests: NamedRequests): [string, RequestSpec][] {
  if (expect === undefined) return [];
  const names = [...rowsOf(expect).map(([row]) => row), ...expect.columns];
  return Object.entries(requests).filter(([name]) => names.includes(name));
}

function inRequest(request: StepSpec['request'], at: Path): Text[] {
  const { url, path, host } = request ?? {};
  return Object.entries({ url, path, host }).flatMap(([key, text]) =>
    text === undefined ? [] : [{ text, path: [...at, key] }],
  );
}

function inAddress({ text, path }: Text, namespace: string): Use[] {
  const short = /^https?:\/\/([-a-z0-9]+)(?=[:/]|$)/i.exec(text)?.[1] ?? /^[-a-z0-9]+$/i.exec(text)?.[0];
  const service: Use[] = short === undefined ? [] : [{ kind: 'service', name: short, namespace, path }];
  return [{ kind: 'text', text, path }, ...service];
}

function inManifest(manifest: KubeObject, path: Path): Use[] {
  const namespace = namespaceOf(manifest);
  const group = manifest.apiVersion.split('/')[0];
  const uses: Use[] = selectors(manifest, path);
  visit(manifest, path, (value, where, keys) => {
    if (typeof value === 'string') {
      // Hosts of an AuthorizationPolicy are what a header says; nothing is sent there.
      if (manifest.kind !== 'AuthorizationPolicy') uses.push({ kind: 'text', text: value, path: where });
      const key = keys.findLast((each) => typeof each === 'string');
      if (group === 'networking.istio.io' && (key === 'host' || key === 'hosts')) {
        uses.push({ kind: 'service', name: value, namespace, path: where });
      }
      return;
    }
    // Routes of the Gateway API and targets of policies name Services in this way.
    const key = keys.findLast((each) => typeof each === 'string');
    const { kind = 'Service', name, namespace: of = namespace } = mapOf(value);
    const isRef = key !== undefined && /^(backendRefs?|targetRefs?|service)$/.test(String(key));
    if (!isRef || kind !== 'Service' || typeof name !== 'string' || typeof of !== 'string') return;
    uses.push({ kind: 'service', name, namespace: of, path: [...where, 'name'] });
  });
  return uses;
}

/** Where kinds of Istio and Kubernetes select pods by labels. */
const selectorPaths = [
  ['spec', 'selector', 'matchLabels'],
  ['spec', 'workloadSelector', 'labels'],
  ['spec', 'workloadSelector', 'matchLabels'],
];

function selectors(manifest: KubeObject, path: Path): Use[] {
  // What selects the pods that it makes itself uses no others.
  if (at(manifest, 'spec', 'template') !== undefined) return [];
  const isService = manifest.kind === 'Service' && manifest.apiVersion === 'v1';
  const paths = isService ? [['spec', 'selector']] : selectorPaths;
  const namespace = namespaceOf(manifest);
  return paths.flatMap((keys): Use[] => {
    const labels = mapOf(at(manifest, ...keys));
    if (Object.keys(labels).length === 0) return [];
    const use = { kind: 'pods', labels, path: [...path, ...keys] } as const;
    // A policy of the root namespace selects in all of them.
    return [namespace === rootNamespace && !isService ? use : { ...use, namespace }];
  });
}

/** Unless the mesh says otherwise, which a scenario cannot know. */
const rootNamespace = 'istio-system';

function visit(
  value: unknown,
  path: Path,
  found: (value: unknown, path: Path, keys: Path) => void,
  keys: Path = [],
): void {
  found(value, path, keys);
  if (typeof value !== 'object' || value === null) return;
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  for (const [key, inner] of entries) visit(inner, [...path, key], found, [...keys, key]);
}
