/** What the settings of a run amount to. Apart from the run itself, which takes longer to load. */
import { randomBytes } from 'node:crypto';
import { countMatching } from '../plan/inventory.ts';
import { emptyShard, nothingMatches, type Selection } from '../plan/select.ts';
import { loadVersions, type Versions } from '../programs/versions.ts';
import type { Baseline } from '../run/answers/known.ts';
import type { RunOptions } from '../run/steps/step-state.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { Values } from '../settings/settings.ts';
import { count, flag, imagesOf, list, shardOf, text } from '../settings/typed.ts';
import { baselineOf } from './baseline.ts';
import { type OwnKeys, ownKeysOf } from './own-keys.ts';
import { versionsFile } from './product.ts';

/** What the settings amount to. */
export interface RunSettings {
  readonly values: Values;
  readonly versions: Versions;
  readonly options: RunOptions;
  readonly selection: Selection;
  readonly baseline: Baseline | undefined;
  /** The user's own key server, when there is one. */
  readonly ownKeys: OwnKeys | undefined;
  /** How often every scenario runs. */
  readonly repeat: number;
}

/** Reads the settings of a run. @throws HarnessError E_USAGE or E_SETTINGS for what means nothing */
export function runSettings(values: Values): RunSettings {
  const versions = loadVersions(versionsFile);
  const ownKeys = ownKeysOf(values);
  return {
    values,
    versions,
    options: {
      runId: randomBytes(3).toString('hex'),
      artifacts: text(values, 'artifacts') ?? 'reports/artifacts',
      images: imagesOf(values, versions),
      showTokens: flag(values, 'show-tokens'),
      ownKey: ownKeys?.key,
      tokenSources: {
        commands: flag(values, 'allow-commands'),
        env: list(values, 'env'),
        variables: process.env,
      },
      consecutive: count(values, 'consecutive', 3),
      answersMs: count(values, 'answer-timeout', 20) * 1000,
      holdMs: count(values, 'hold-timeout', 60) * 1000,
    },
    selection: {
      grep: text(values, 'grep'),
      tags: list(values, 'tag'),
      skipTags: list(values, 'skip-tag'),
      shard: shardOf(values),
      isLive: flag(values, 'live'),
    },
    baseline: baselineOf(values, process.cwd()),
    ownKeys,
    repeat: count(values, 'repeat', 1),
  };
}

/**
 * Sees to it that there is something to run, before anything is made for it.
 *
 * @throws HarnessError E_USAGE when no scenario can be selected, whatever the mesh is, or none is left for the shard
 */
export function expectMatch({ selection }: RunSettings, scenarios: readonly LoadedScenario[]): void {
  const { shard } = selection;
  const matching = countMatching(scenarios, selection);
  if (matching === 0) throw nothingMatches();
  // Shares are filled one after the other, so the third has something when there are three scenarios or more.
  if (shard !== undefined && shard.index > matching) throw emptyShard(shard, matching);
}
