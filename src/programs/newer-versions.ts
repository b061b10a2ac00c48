/** Compares the versions of kind/versions.yaml with what registries have. */
import semver from 'semver';
import { asHarnessError, HarnessError } from '../base/errors.ts';
import { throwIfAborted } from '../base/wait.ts';
import { defaultLimits, type Limits } from './download/download-limits.ts';
import { dispatcher, shown } from './download/http-get.ts';
import { indexOf, wheelVersions } from './local/build/pypi.ts';
import { imageTags } from './oci/image.ts';
import { minorOf, type Versions } from './versions.ts';

/** A list of versions is small: what takes longer than this is no answer. Milliseconds. */
const listLimits: Limits = { ...defaultLimits, connectMs: 5_000, downloadMs: 30_000 };

/** One version of the file and what became of it, or a minor version that the file does not have. */
export interface VersionState {
  readonly known: string | undefined;
  /** The newest of the same minor version that is newer, if there is one. */
  readonly newer: string | undefined;
  /** Whether the known one can be had. */
  readonly isThere: boolean;
}

export interface VersionSurvey {
  readonly name: string;
  /** The registry that was asked. */
  readonly from: string;
  readonly states: readonly VersionState[];
  /** Why nothing is known. */
  readonly problem: HarnessError | undefined;
}

/**
 * Asks for the releases of Istio, of Envoy for local meshes, and of node images of kind. Each is asked on its own: one that does
 * not answer keeps nothing else from being known.
 *
 * @param hub registry and folder of Istio's images: a release without images cannot be tested
 * @throws HarnessError E_INTERRUPTED only
 */
export async function surveyVersions(
  versions: Versions,
  around: {
    readonly hub: string;
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal;
    readonly limits?: Limits;
  },
): Promise<VersionSurvey[]> {
  const { hub, env, signal, limits = listLimits } = around;
  const tags = (image: string) => imageTags({ image, signal, limits });
  const { package: wheel, wheels } = versions.local.envoy;
  const index = indexOf(env);
  // Without digest and tag; a host may have a port.
  const nodes = (Object.values(versions.kind.nodes)[0] ?? '').replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const asked = [
    {
      name: 'Istio',
      from: `${hub}/pilot`,
      known: versions.istio.releases.map(({ version }) => version),
      ask: () => tags(`${hub}/pilot`),
    },
    {
      name: 'Envoy of local meshes',
      from: `${shown(index).replace(/\/+$/, '')}/${wheel}`,
      known: Object.keys(wheels),
      ask: () =>
        wheelVersions(index, wheel, { through: dispatcher(limits), limits, signal, report: () => {} }),
    },
    {
      name: 'node images of kind',
      from: nodes,
      known: Object.keys(versions.kind.nodes),
      ask: async () => (await tags(nodes)).map((tag) => tag.replace(/^v/, '')),
    },
  ];
  return Promise.all(
    asked.map(async ({ name, from, known, ask }) => {
      try {
        return { name, from, states: compareVersions(known, await ask()), problem: undefined };
      } catch (thrown) {
        throwIfAborted(signal);
        return { name, from, states: [], problem: asHarnessError(thrown) };
      }
    }),
  );
}

/**
 * Newest first. Pre-releases and builds of releases do not count.
 *
 * @param known of kind/versions.yaml
 * @param there everything that a registry has, whatever it is
 * @throws HarnessError E_PROGRAM when there is no release at all, which no registry means
 */
export function compareVersions(known: readonly string[], there: readonly string[]): VersionState[] {
  const releases = there.filter((each) => /^\d+\.\d+\.\d+$/.test(each)).sort(semver.rcompare);
  if (releases.length === 0)
    throw new HarnessError(
      'E_PROGRAM',
      `it has no release, only ${there.slice(0, 3).join(', ') || 'nothing'}`,
    );
  const newest = known.toSorted(semver.rcompare)[0];
  const newMinors = releases
    .filter((each) => newest !== undefined && semver.gt(each, newest) && minorOf(each) !== minorOf(newest))
    .filter((each, index, all) => all.findIndex((other) => minorOf(other) === minorOf(each)) === index)
    .map((newer): VersionState => ({ known: undefined, newer, isThere: false }));
  const states = known.toSorted(semver.rcompare).map((each): VersionState => {
    const ofMinor = releases.find((other) => minorOf(other) === minorOf(each));
    const isNewer = ofMinor !== undefined && semver.gt(ofMinor, each);
    return { known: each, newer: isNewer ? ofMinor : undefined, isThere: releases.includes(each) };
  });
  return [...newMinors, ...states];
}
