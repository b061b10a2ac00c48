/** A pod of namespace foo with a sidecar, ready, whose label app is its name, unless a test says otherwise. */
import type { MeshPod } from '../../src/target/target.ts';

export function meshPod(name: string, more: Partial<MeshPod> = {}): MeshPod {
  return { namespace: 'foo', name, labels: { app: name }, isReady: true, proxy: 'sidecar', ...more };
}
