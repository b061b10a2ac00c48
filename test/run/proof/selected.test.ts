/** Which policies hold for which workloads, as people are shown it. */
import { describe, expect, test } from 'vitest';
import { mostSelected, selectionOf } from '../../../src/run/proof/selected.ts';
import type { KubeObject, MeshPod, ProxyRef, Survey } from '../../../src/target/target.ts';
import { meshPod as pod } from '../../support/mesh-pod.ts';

const policy = (
  name: string,
  spec: object = {},
  namespace = 'foo',
  kind = 'AuthorizationPolicy',
): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});
const forApp = (app: string) => ({ selector: { matchLabels: { app } } });
const survey = (pods: readonly MeshPod[], objects: readonly KubeObject[]): Survey => ({
  rootNamespace: 'istio-system',
  ingress: { namespace: 'istio-system', labels: {} },
  pods,
  objects,
  hidden: [],
});
const refOf = ({ namespace, name, labels }: MeshPod): ProxyRef => ({
  namespace,
  pod: name,
  labels,
  kind: 'sidecar',
});
const select = (
  pods: readonly MeshPod[],
  objects: readonly KubeObject[],
  inPlace = objects,
  first = pods[0]!,
) => selectionOf({ survey: survey(pods, objects), deciders: [refOf(first)], sent: [], inPlace });

const httpbin = pod('httpbin');
const sleep = pod('sleep');

describe('selection', () => {
  test('is nothing without a policy', () => {
    expect(select([httpbin, sleep], [])).toBeUndefined();
  });

  test('has RequestAuthentications first, what each holds for, and why one holds for nothing', () => {
    const objects = [
      policy('deny', { ...forApp('httpbin'), action: 'DENY' }),
      policy('lost', forApp('http-bin')),
      policy('jwt', forApp('httpbin'), 'foo', 'RequestAuthentication'),
    ];
    expect(select([httpbin, sleep], objects)).toEqual({
      workloads: ['foo/httpbin'],
      policies: [
        { policy: 'RequestAuthentication foo/jwt', workloads: ['foo/httpbin'] },
        { policy: 'AuthorizationPolicy foo/deny', action: 'DENY', workloads: ['foo/httpbin'] },
        {
          policy: 'AuthorizationPolicy foo/lost',
          action: 'ALLOW',
          workloads: [],
          idle: 'no pod of namespace foo has app=http-bin',
        },
      ],
    });
  });

  test('says of a policy without a selector that it is for the namespace, or for the mesh', () => {
    const objects = [policy('all'), policy('every', {}, 'istio-system')];
    expect(
      select([httpbin, sleep], objects)?.policies.map(({ scope, workloads }) => [scope, workloads]),
    ).toEqual([
      ['namespace', ['foo/httpbin', 'foo/sleep']],
      ['mesh', ['foo/httpbin', 'foo/sleep']],
    ]);
  });

  test('has a workload that decides and that no policy holds for', () => {
    const selection = select([httpbin, sleep], [policy('p', forApp('sleep'))]);
    expect(selection?.workloads).toEqual(['foo/httpbin', 'foo/sleep']);
  });

  test('finds what decides by the requests when no proxy was read', () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'httpbin', namespace: 'foo' },
      spec: { selector: { app: 'httpbin' } },
    };
    const lost = policy('lost', forApp('http-bin'));
    const origin = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;
    const request = { url: 'http://httpbin:8000/', headers: [] };
    const sent = [{ origin, request }];
    const selecting = { survey: survey([httpbin, sleep], [service, lost]), deciders: [], inPlace: [lost] };
    expect(selectionOf({ ...selecting, sent })?.workloads).toEqual(['foo/httpbin']);
    expect(selectionOf({ ...selecting, sent: [{ origin, request, isElsewhen: true }] })?.workloads).toEqual(
      [],
    );
  });

  test('leaves out policies of others that have nothing to do with it, and pods without a proxy', () => {
    const plain = pod('plain', { proxy: undefined });
    const others = policy('others', forApp('sleep'));
    const own = policy('own', forApp('httpbin'));
    const selection = select([httpbin, sleep, plain], [others, own], [own]);
    expect(selection?.workloads).toEqual(['foo/httpbin']);
    expect(selection?.policies.map(({ policy: name }) => name)).toEqual(['AuthorizationPolicy foo/own']);
  });

  test('takes replicas for one workload, and tells versions apart', () => {
    const labels = (version: string, hash: string) => ({
      app: 'httpbin',
      version,
      'pod-template-hash': hash,
    });
    const pods = [
      pod('a', { labels: labels('v1', 'x') }),
      pod('b', { labels: labels('v1', 'y') }),
      pod('c', { labels: labels('v2', 'z') }),
    ];
    expect(select(pods, [policy('all')])?.workloads).toEqual([
      'foo/httpbin (version=v1)',
      'foo/httpbin (version=v2)',
    ]);
  });

  test('says how many it leaves out', () => {
    const pods = Array.from({ length: mostSelected + 7 }, (_, index) => pod(`w${index}`));
    const selection = select(pods, [policy('all')]);
    expect(selection?.workloads).toHaveLength(mostSelected);
    expect(selection?.omitted).toBe(7);
  });

  test('is nothing where an answer of the API server is not understood: that is for the proof to say', () => {
    expect(select([httpbin], [policy('odd', { selector: 3 as never })])).toBeUndefined();
  });
});
