/** The proof without a marker: proxies have what others have declared. */
import { beforeEach, describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { proveAsItIs } from '../../../src/run/proof/as-it-is.ts';
import type { KubeObject, ProxyPolicies, Survey } from '../../../src/target/target.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { denied, deny, nothing } from './denying.ts';

class Live extends FakeTarget {
  readonly isReadOnly = true;
  declared: KubeObject[] = [];
  has: () => ProxyPolicies = () => nothing;
  override async mark(): Promise<void> {
    throw new Error('a marker would change the mesh');
  }
  override async survey(signal: AbortSignal): Promise<Survey> {
    const survey = await super.survey(signal);
    return { ...survey, objects: [...survey.objects, ...this.declared] };
  }
  override async proxyPolicies(): Promise<ProxyPolicies> {
    return this.has();
  }
}

let mesh: Live;
beforeEach(() => {
  mesh = new Live();
});
const prove = () =>
  proveAsItIs(
    mesh,
    {
      sent: [
        {
          origin: { kind: 'pod', app: 'sleep', namespace: 'foo' },
          request: { url: 'http://httpbin.foo:8000/', headers: [] },
        },
      ],
      fetch: 'istiod',
      timeoutMs: 2_000,
      clock: fakeClock(),
    },
    unaborted(),
  );

describe('a mesh that is only looked at', () => {
  test('holds when each proxy has what is declared, and says that nothing was applied', async () => {
    mesh.declared = [deny];
    mesh.has = () => ({ ...nothing, rbac: [denied] });
    expect(await prove()).toMatchObject({
      kind: 'holds',
      proof: '1 proxy has what is declared: ns[foo]-policy[deny]-rule[0]; nothing was applied',
    });
  });

  test('is waited for while a policy is on its way', async () => {
    mesh.declared = [deny];
    let reads = 0;
    mesh.has = () => ({ ...nothing, rbac: ++reads > 4 ? [denied] : [] });
    expect(await prove()).toMatchObject({ kind: 'holds' });
    expect(reads).toBeGreaterThan(4);
  });

  test('has no proof when a proxy never gets it', async () => {
    mesh.declared = [deny];
    expect(await prove()).toMatchObject({
      kind: 'unproven',
      message: 'foo/httpbin-1: it has no RBAC policy ns[foo]-policy[deny]-rule[0]',
    });
  });

  test('has none when a proxy still has what nobody declares', async () => {
    mesh.has = () => ({ ...nothing, rbac: [denied] });
    expect(await prove()).toMatchObject({ kind: 'unproven' });
  });

  test('a proxy that has refused an update fails it', async () => {
    mesh.has = () => ({ ...nothing, rejected: [{ reason: 'bad keys', marker: '' }] });
    expect(await prove()).toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(/^foo\/\S+: bad keys/),
    });
  });

  test('a pod that goes away meanwhile is looked for again, and not for ever', async () => {
    let reads = 0;
    mesh.has = () => {
      reads += 1;
      if (reads < 3) throw new HarnessError('E_EXEC', 'the pod has gone');
      return nothing;
    };
    expect(await prove()).toMatchObject({ kind: 'holds' });
    mesh.has = () => {
      throw new HarnessError('E_EXEC', 'the pod has gone');
    };
    await expect(prove()).rejects.toThrow('the pod has gone');
    mesh.has = () => {
      throw new HarnessError('E_KUBE', 'forbidden');
    };
    await expect(prove()).rejects.toThrow('forbidden');
  });
});
