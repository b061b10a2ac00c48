/** What has to be said again to come to the same mesh, and to the same checks on it. */
import type { GivenFlag } from '../../report/next-command.ts';
import { commandOptions, variableOf } from '../../settings/options.ts';
import { mergeSettings, type Value, type Values } from '../../settings/settings.ts';

/** Options that decide which mesh it is, how it may be touched, and what scenarios can be run on it. */
const ofMesh = new Set([
  ...commandOptions.up.map(({ name }) => name),
  ...[
    'context',
    'kubeconfig',
    'mesh-context',
    'mesh-kubeconfig',
    'ingress',
    'gateway',
    'asm',
    'fetch-mode',
    'external-jwks',
    'external-jwks-key',
    'live',
    'yes',
    'allow-commands',
    'env',
  ],
]);

/**
 * The flags among the settings, for a command line that people paste. What variables and the settings file say need not
 * be said again.
 */
export function givenFlags(values: Values, env: NodeJS.ProcessEnv): GivenFlag[] {
  const { config } = values;
  const otherwise = mergeSettings(config === undefined ? {} : { config }, env);
  const named: GivenFlag[] =
    typeof config !== 'string' || config === env[variableOf('config')] ? [] : [['config', config]];
  const more = Object.entries(values).flatMap(([name, value]) =>
    ofMesh.has(name) && !isSame(value, otherwise[name]) ? flags(name, value) : [],
  );
  return [...named, ...more];
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function flags(name: string, value: Value | undefined): GivenFlag[] {
  if (value === undefined || value === false) return [];
  if (value === true) return [[name]];
  return [value].flat().map((each) => [name, each]);
}
