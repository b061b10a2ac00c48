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

/** All jobs, newest Istio first as the file has them, what must pass before what is experimental. */
export function matrix(versions: Versions): MatrixEntry[] {
  const entries = versions.istio.releases.flatMap((release) => {
    const entry = (kubernetes: string, experimental: boolean): MatrixEntry => ({
      istio: release.version,
      kubernetes,
      nodeImage: versions.kind.nodes[kubernetes]!,
      experimental,
    });
    return [
      ...release.nodes.map((node) => entry(node, release.ended !== undefined)),
      ...release.experimentalNodes.map((node) => entry(node, true)),
    ];
  });
  return [...entries.filter((each) => !each.experimental), ...entries.filter((each) => each.experimental)];
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
  const release = releaseOf(versions, istio) ?? releaseOf(versions, versions.istio.default)!;
  return versions.kind.nodes[release.nodes[0]!]!;
}
