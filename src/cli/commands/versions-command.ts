/** `jwt-e2e versions`: what kind/versions.yaml has, and with --check what is newer. */

import { exitCodes } from '../../base/errors.ts';
import { harmlessJson, oneLine } from '../../base/harmless.ts';
import { versionsFile } from '../../engine/product.ts';
import { surveyVersions, type VersionState, type VersionSurvey } from '../../programs/newer-versions.ts';
import { loadVersions, type Versions } from '../../programs/versions.ts';
import { plural } from '../../report/text.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, hubOf } from '../../settings/typed.ts';
import { alignedLines } from '../support/aligned-lines.ts';
import type { Io } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

/**
 * Prints the versions; with --check those of the registries beside them. What a registry does not answer goes to standard
 * error.
 *
 * @returns the exit code: 1 when something is newer or cannot be had, else 4 when a registry did not answer
 * @throws HarnessError E_INTERRUPTED
 */
export async function versionsCommand(
  values: Values,
  io: Io,
  versions: Versions = loadVersions(versionsFile),
): Promise<number> {
  if (!flag(values, 'check')) {
    io.stdout.write(flag(values, 'json') ? `${harmlessJson(versions)}\n` : knownText(versions));
    return exitCodes.passed;
  }
  const hub = hubOf(values, versions);
  const surveys = await withSignals(
    (signal) => surveyVersions(versions, { hub, env: io.env, signal }),
    'Nothing was done.',
  );
  io.stdout.write(flag(values, 'json') ? `${harmlessJson(surveys.map(asData))}\n` : surveyText(surveys));
  for (const { name, from, problem } of surveys) {
    if (problem === undefined) continue;
    io.stderr.write(
      `${oneLine(`${name}: ${from} has not answered, so nothing is known of it: ${problem.message}`)}\n`,
    );
  }
  const silent = surveys.filter(({ problem }) => problem !== undefined);
  if (silent.length > 0) {
    io.stderr.write(
      'Let the registries be reached, by HTTPS_PROXY if need be, or name mirrors: --hub for Istio, PIP_INDEX_URL for Envoy.\n',
    );
  }
  if (surveys.some(({ states }) => states.some(isToChange))) return exitCodes.failed;
  return silent.length > 0 ? exitCodes.noVerdict : exitCodes.passed;
}

const isToChange = ({ newer, known, isThere }: VersionState) =>
  newer !== undefined || (known !== undefined && !isThere);

function knownText({ istio, local, kind }: Versions): string {
  const rows = [
    ...istio.releases.map(({ version, kubernetes, ended }) => [
      `Istio ${version}`,
      [
        version === istio.default ? 'the default' : [],
        ended === undefined ? [] : `ended on ${ended}`,
        `Kubernetes ${kubernetes.join(', ')}`,
      ]
        .flat()
        .join('; '),
    ]),
    [`Istio ${local.build.istio}`, 'built from Go modules for local meshes'],
    ...Object.keys(local.envoy.wheels).map((envoy) => [`Envoy ${envoy}`, 'for local meshes']),
    ...Object.entries(kind.nodes).map(([version, image]) => [
      `Kubernetes ${version}`,
      image.replace(/@.*$/, ''),
    ]),
  ];
  return `${alignedLines(rows).join('\n')}\n`;
}

function surveyText(surveys: readonly VersionSurvey[]): string {
  const lines = surveys.flatMap(({ name, from, states }) =>
    states.length === 0
      ? []
      : [`${name}, from ${from}`, ...alignedLines(states.map(rowOf)).map((line) => `  ${line}`)],
  );
  const changes = surveys.flatMap(({ states }) => states.filter(isToChange)).length;
  const known = surveys.some(({ states }) => states.length > 0);
  const isWhole = surveys.every(({ problem }) => problem === undefined);
  const nothing = isWhole ? 'Nothing is newer.' : 'Of those that have answered, nothing is newer.';
  const end = changes === 0 ? nothing : `${plural(changes, 'version')} to look at in kind/versions.yaml.`;
  return known ? `${[...lines, '', end].join('\n')}\n` : '';
}

function rowOf({ known, newer, isThere }: VersionState): string[] {
  if (known === undefined) return [newer ?? '', 'a new minor version'];
  const there = isThere ? [] : 'it is not there itself';
  return [known, [newer === undefined ? [] : `${newer} is newer`, there].flat().join('; ')];
}

function asData({ name, from, states, problem }: VersionSurvey) {
  return { name, from, versions: states, problem: problem?.message };
}
