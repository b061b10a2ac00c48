/** What is done at the same time while a cluster is set up. The programs are scripts that note when they begin and end. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KindSettings } from '../../../src/target/kind/kind-settings.ts';
import { KindTarget } from '../../../src/target/kind/kind-target.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let folder: string;
let api: FakeApi;
useFakeApi((started) => {
  api = started;
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-create-'));
  vi.stubEnv('XDG_STATE_HOME', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nnote() { echo "$*" >> '${folder}/notes'; }\n${text}`);
  chmodSync(path, 0o755);
  return path;
}

/** Waits until this has been noted, up to ten seconds. */
const until = (noted: string) =>
  `for _ in $(seq 100); do grep -qx '${noted}' '${folder}/notes' && break; sleep 0.1; done`;

test.each([
  ['', false],
  [', also when that fails the first time', true],
])(
  'images are loaded as soon as a node takes them, and Istio is installed as soon as its own are there%s',
  async (_, fails) => {
    const once = `[ "$(grep -c 'Istio is loaded' '${folder}/notes')" != 1 ] || exit 1`;
    const kind = program(
      'kind',
      `case "$*" in
  'create cluster'*)
    note the node is there
    while [ "$1" != --kubeconfig ]; do shift; done
    cp '${api.kubeconfig}' "$2"; cp '${api.folder}/ca.pem' "$(dirname "$2")"
    echo ' ✓ Preparing nodes 📦' >&2
    ${until('Istio is loaded')}
    note cluster ;;
  *pilot*) note Istio is loaded; ${fails ? once : ''} ;;
  'load docker-image'*) ${until('istioctl begins')}; note applications are loaded ;;
esac
`,
    );
    const docker = program('docker', `case "$*" in info*) echo '28.0.0 2' ;; esac\n`);
    const istioctl = program(
      'istioctl',
      `note istioctl begins\n${until('applications are loaded')}\necho broken >&2\nexit 1\n`,
    );
    const settings: KindSettings = {
      name: 'mine',
      reason: 'a test',
      runId: 'run1',
      keep: false,
      reuse: false,
      programs: { docker, kind, istioctl: async () => istioctl },
      down: ['false'],
      hub: 'hub.test',
      tag: '1.0.0',
      nodeImage: 'kindest/node:v1.34.0',
      overlays: [],
      gatewayApiCrds: undefined,
      images: { nginx: 'nginx:1' },
      folder: 'kind',
      apps: [],
    };
    const phases: string[] = [];
    const target = new KindTarget(settings, (event) => {
      if (event.type !== 'phase-started') phases.push(`${event.type} ${'phase' in event ? event.phase : ''}`);
    });
    await expect(target.up(unaborted())).rejects.toMatchObject({ code: 'E_ISTIO' });
    const notes = readFileSync(join(folder, 'notes'), 'utf8').trimEnd().split('\n');
    expect(notes).toEqual([
      ...['the node is there', 'Istio is loaded', 'cluster'],
      ...(fails ? ['Istio is loaded'] : []),
      ...['istioctl begins', 'applications are loaded'],
    ]);
    // Proxies need names before the first readiness probe of CoreDNS.
    const dns = { method: 'PATCH', path: '/api/v1/namespaces/kube-system/services/kube-dns' };
    expect(api.requests).toContainEqual(
      expect.objectContaining({ ...dns, body: { spec: { publishNotReadyAddresses: true } } }),
    );
    expect(phases).toContain('phase-failed Installing Istio 1.0.0');
    await target.down(unaborted());
  },
);
