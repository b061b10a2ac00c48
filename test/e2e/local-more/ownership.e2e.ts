/**
 * What belongs to others on a real API server: whatever this tool, its death and these others do in any order, in the end
 * every object is as its owner has left it, to the managers of its fields. Beside each object stands another one, with the
 * same done by its owners, that this tool never touches.
 */

import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { deleteObject, getObject, keyOf } from '../../../src/kube/objects.ts';
import { defaultGateway } from '../../../src/target/cluster/cluster-settings.ts';
import { ClusterTarget } from '../../../src/target/cluster/cluster-target.ts';
import { type FieldSet, managedFields } from '../../../src/target/kubernetes/undo/managed-fields.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { describeOnLocal, Home } from '../local/command.ts';

const signal = unaborted();
let home: Home;
let kubeconfig: string;
let client: KubeClient;

/** Contents of an object; `rules` of a policy are one field, the labels and the data of a ConfigMap are many. */
const contents: Record<string, (name: string, namespace: string, variant: number) => KubeObject> = {
  config: (name, namespace, variant) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { [`label-${variant % 2}`]: `${variant}` } },
    ...{ data: { all: `${variant}`, [`only-${variant % 3}`]: `${variant}` } },
  }),
  policy: (name, namespace, variant) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace, annotations: { [`note-${variant % 2}`]: `${variant}` } },
    spec: {
      ...(variant % 3 === 0 ? {} : { action: variant % 2 === 0 ? 'DENY' : 'ALLOW' }),
      rules: [{ to: [{ operation: { paths: [`/${variant}`] } }] }],
    },
  }),
  service: (name, namespace, variant) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      selector: { app: `${variant % 2}` },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8000 + variant }],
    },
  }),
};
const kinds = Object.keys(contents);

type Do =
  | {
      readonly who: 'owner' | 'tool';
      readonly does: 'apply';
      readonly kind: string;
      readonly variant: number;
    }
  | { readonly who: 'owner' | 'tool'; readonly does: 'delete'; readonly kind: string }
  | { readonly who: 'editor'; readonly does: 'label'; readonly kind: string; readonly variant: number }
  | { readonly who: 'tool'; readonly does: 'undo' | 'die' }
  | { readonly who: 'tool'; readonly does: 'lose'; readonly kind: string; readonly variant: number };

const kind = fc.constantFrom(...kinds);
const variant = fc.nat(5);
const apply = (who: 'owner' | 'tool') =>
  fc.record({ who: fc.constant(who), does: fc.constant('apply' as const), kind, variant });
const sequences: fc.Arbitrary<Do[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: apply('owner') },
    { weight: 5, arbitrary: apply('tool') },
    fc.record({ who: fc.constant('owner' as const), does: fc.constant('delete' as const), kind }),
    fc.record({ who: fc.constant('tool' as const), does: fc.constant('delete' as const), kind }),
    {
      weight: 2,
      arbitrary: fc.record({
        who: fc.constant('editor' as const),
        does: fc.constant('label' as const),
        kind,
        variant,
      }),
    },
    fc.record({ who: fc.constant('tool' as const), does: fc.constantFrom('undo' as const, 'die' as const) }),
    fc.record({ who: fc.constant('tool' as const), does: fc.constant('lose' as const), kind, variant }),
  ),
  { minLength: 1, maxLength: 12 },
);

function makeTool(to: KubeClient): ClusterTarget {
  const settings = {
    reason: 'a test',
    runId: 'abc123',
    keep: false,
    reuse: false,
    yes: true,
    kubectlFlags: [],
    images: {},
    folder: 'kind',
    gateway: defaultGateway,
  };
  return new ClusterTarget({ data: to, mesh: to }, settings, () => {});
}

/** A client whose answers to changes are lost while `isDeaf`. */
function deafClient(): { client: KubeClient; deaf: { isDeaf: boolean } } {
  const made = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  const deaf = { isDeaf: false };
  const request = made.request.bind(made);
  made.request = async (...args) => {
    const answer = await request(...args);
    const isDryRun = args[1]?.query?.dryRun !== undefined;
    if (deaf.isDeaf && args[1]?.method === 'PATCH' && !isDryRun)
      throw new HarnessError('E_KUBE', 'the answer is lost');
    return answer;
  };
  return { client: made, deaf };
}

/** Without the maps around the fields: whoever comes second to a map has not made it. */
function leavesOf(set: FieldSet): FieldSet {
  const below = Object.entries(set).filter(([step]) => step !== '.');
  return Object.fromEntries(below.map(([step, each]) => [step, leavesOf(each)]));
}

/** What its owner sees: all but what the API server counts and times. */
function seen(object: KubeObject | undefined): unknown {
  if (object === undefined) return undefined;
  const { name, labels = {}, annotations = {} } = object.metadata;
  const { status: _, metadata: __, ...content } = object;
  const spec = { ...(content.spec as Record<string, unknown> | undefined) };
  // Chosen by the API server, once for each Service.
  for (const chosen of ['clusterIP', 'clusterIPs']) delete spec[chosen];
  const managers = managedFields(object)
    .map(({ manager, operation, fieldsV1 = {} }) => ({ manager, operation, fields: leavesOf(fieldsV1) }))
    .sort((one, other) => (`${one.manager}${one.operation}` < `${other.manager}${other.operation}` ? -1 : 1));
  return { ...content, spec, metadata: { name, labels, annotations }, managers };
}

async function patchAs(manager: string, object: KubeObject, contentType: string): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const { plural, namespaced } = await client.resource(apiVersion, kind, signal);
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = namespaced ? `namespaces/${metadata.namespace}/` : '';
  const force = contentType.includes('apply') || undefined;
  await client.request(`${group}/${place}${plural}/${metadata.name}`, {
    method: 'PATCH',
    contentType,
    query: { fieldManager: manager, force },
    body: object,
    signal,
  });
}

const applyAs = (manager: string, object: KubeObject) =>
  patchAs(manager, object, 'application/apply-patch+yaml');

function label({ apiVersion, kind, metadata: { name, namespace } }: KubeObject, edited: string) {
  const metadata = { name, namespace, labels: { edited } };
  return patchAs('editor', { apiVersion, kind, metadata } as KubeObject, 'application/merge-patch+json');
}

/** Does all of it in namespaces of its own; returns what is there in the end, and what should be. */
async function play(number: number, sequence: readonly Do[]): Promise<[unknown, unknown]> {
  const [theirs, control] = [`theirs-${number}`, `control-${number}`];
  for (const name of [theirs, control])
    await applyAs('owner', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const { client: own, deaf } = deafClient();
  let tool = makeTool(own);
  /** Kinds that the tool has deleted: their owners have nothing to write in. */
  const away = new Set<string>();
  for (const step of sequence) {
    const make = (namespace: string) =>
      contents['kind' in step ? step.kind : '']!('it', namespace, 'variant' in step ? step.variant : 0);
    const places = 'kind' in step && away.has(step.kind) ? [] : [theirs, control];
    if (step.who === 'owner') {
      for (const place of places)
        if (step.does === 'apply') await applyAs('owner', make(place));
        else await deleteObject(client, keyOf(make(place)), signal);
    } else if (step.who === 'editor') {
      if ((await getObject(client, keyOf(make(control)), signal)) === undefined) continue;
      for (const place of places) await label(make(place), `${step.variant}`);
    } else if (step.does === 'apply') {
      await tool.apply([make(theirs)], 'scope', signal);
      away.delete(step.kind);
    } else if (step.does === 'lose') {
      deaf.isDeaf = true;
      await tool.apply([make(theirs)], 'scope', signal).catch(() => {});
      deaf.isDeaf = false;
      away.delete(step.kind);
    } else if (step.does === 'delete') {
      if ((await getObject(client, keyOf(make(theirs)), signal)) !== undefined) away.add(step.kind);
      await tool.delete([keyOf(make(theirs))], 'scope', signal);
    } else {
      if (step.does === 'undo') await tool.undo('scope', signal);
      else {
        tool = makeTool(own);
        await tool.clear(signal);
      }
      away.clear();
    }
  }
  await tool.undo('scope', signal);
  await own.close();
  const all = async (place: string) =>
    Promise.all(
      kinds.map(async (each) =>
        seen(await getObject(client, keyOf(contents[each]!('it', place, 0)), signal)),
      ),
    );
  return [await all(theirs), await all(control)];
}

describeOnLocal('objects of others', () => {
  beforeAll(async () => {
    if (!process.env.JWT_E2E_PROGRAMS) return;
    home = new Home();
    const { exitCode, output } = await home.start('up', 'up').ended();
    expect(exitCode, output).toBe(0);
    kubeconfig = join(home.temporary, home.meshes[0] ?? '', 'kubeconfig');
    client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  });
  afterAll(async () => {
    await client?.close();
    await home?.start('down', 'down').ended();
    await home?.remove();
  });

  test('are in the end as their owners have left them', { timeout: 600_000 }, async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const [is, shouldBe] = await play(number++, sequence);
        expect(is).toEqual(shouldBe);
      }),
      { numRuns: Number(process.env.OWNERSHIP_RUNS ?? 100), seed: 7, endOnFailure: false },
    );
  });
});
