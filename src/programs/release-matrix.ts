/** What kind/versions.yaml means for a run: the jobs of the nightly workflow, and the node image for one Istio. */
import { type IstioRelease, minorOf, type Versions } from './versions.ts';

/** One job of the nightly workflow. */
export interface MatrixEntry {
  readonly istio: string;
  readonly kubernetes: string;
  /** Name, tag and digest, for `--node-image`. */
  readonly nodeImage: string;
  /** Not supported by Istio (not yet, or no longer): worth knowing, but no reason to fail. */
  readonly experimental: boolean;
}

/**
 * All jobs, newest Istio first as the file has them, what must pass before what is experimental.
 *
 * @param others versions of Istio that the file does not have, such as a pre-release: one experimental job each, on
 *   the node image that {@link nodeImageFor} takes
 */
export function matrix(versions: Versions, others: readonly string[] = []): MatrixEntry[] {
  const entry = (istio: string, kubernetes: string, experimental: boolean): MatrixEntry => ({
    istio,
    kubernetes,
    nodeImage: versions.kind.nodes[kubernetes]!,
    experimental,
  });
  const entries = versions.istio.releases.flatMap(({ version, nodes, experimentalNodes, ended }) => [
    ...nodes.map((node) => entry(version, node, ended !== undefined)),
    ...experimentalNodes.map((node) => entry(version, node, true)),
  ]);
  return [
    ...entries.filter((each) => !each.experimental),
    ...others.map((istio) => entry(istio, defaultNode(versions, istio), true)),
    ...entries.filter((each) => each.experimental),
  ];
}

/**
 * What is known about an Istio version: its own entry, or that of another patch release of the same minor.
 * Undefined for a minor that kind/versions.yaml does not have.
 */
export function releaseOf(versions: Versions, istio: string): IstioRelease | undefined {
  const releases = versions.istio.releases;
  return (
    releases.find((each) => each.version === istio) ??
    releases.find((each) => minorOf(each.version) === minorOf(istio))
  );
}

/** The node image to test an Istio version on; for an unknown one, that of the default release. */
export function nodeImageFor(versions: Versions, istio: string): string {
  return versions.kind.nodes[defaultNode(versions, istio)]!;
}

function defaultNode(versions: Versions, istio: string): string {
  const release = releaseOf(versions, istio) ?? releaseOf(versions, versions.istio.default)!;
  return release.nodes[0]!;
}
