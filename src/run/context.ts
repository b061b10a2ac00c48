/** What `${…}` in a scenario stands for in this run: keys, tokens, key servers, the CA. */
import type { PlannedScenario } from '../plan/types.ts';
import type { TokenSpec } from '../scenario/schema.ts';
import { resolve } from '../scenario/template.ts';
import type { KeyServerHandle, Target } from '../target/target.ts';
import type { IssuerKeys } from '../token/keys.ts';
import { mintTokens, type Token } from '../token/mint.ts';
import { placed } from './keys.ts';

export interface RunContext {
  readonly issuers: ReadonlyMap<string, IssuerKeys>;
  readonly tokens: ReadonlyMap<string, Token>;
  readonly keyServers: ReadonlyMap<string, KeyServerHandle>;
  /** The names for templates. */
  readonly names: Readonly<Record<string, unknown>>;
}

/** Starts the external key servers of a scenario with its keys. */
export async function startKeyServers(
  scenario: PlannedScenario,
  issuers: ReadonlyMap<string, IssuerKeys>,
  target: Target,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KeyServerHandle>> {
  const entries = Object.entries(scenario.keyServers)
    .filter(([name, spec]) => spec.where === 'external' && isUsed(name, scenario))
    .map(async ([name, spec]) => {
      const jwks = issuers.get(spec.serves)?.jwks();
      const id = `${name}-${scenario.info.id.replace(/[^a-z0-9]+/g, '-')}`;
      const handle = await target.startKeyServer(
        { name: id, path: spec.path, jwks, certificate: spec.certificate },
        signal,
      );
      return [name, handle] as const;
    });
  return new Map(await Promise.all(entries));
}

/** Whether any step of this variant of the scenario needs the server. */
function isUsed(name: string, scenario: PlannedScenario): boolean {
  return JSON.stringify(scenario.steps).includes(`keyServers.${name}.`);
}

/** The names that do not depend on tokens. */
export async function knownNames(
  issuers: ReadonlyMap<string, IssuerKeys>,
  keyServers: ReadonlyMap<string, KeyServerHandle>,
  target: Target,
  images: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  return {
    images,
    issuers: Object.fromEntries(
      [...issuers].map(([name, keys]) => [name, { issuer: keys.issuer, jwks: JSON.stringify(keys.jwks()) }]),
    ),
    keyServers: Object.fromEntries([...keyServers].map(([name, { host, ip }]) => [name, { host, ip }])),
    ca: { pem: await target.caCertificate() },
    now: Math.floor(Date.now() / 1000),
  };
}

/** Mints the tokens and gathers the names. @throws HarnessError E_TEMPLATE, E_TOKEN */
export async function makeContext(
  scenario: PlannedScenario,
  issuers: ReadonlyMap<string, IssuerKeys>,
  keyServers: ReadonlyMap<string, KeyServerHandle>,
  target: Target,
  images: Readonly<Record<string, string>>,
): Promise<RunContext> {
  const { place } = scenario.info;
  const known = await knownNames(issuers, keyServers, target, images);
  try {
    const specs = resolve(scenario.tokens, known, place) as Record<string, TokenSpec>;
    const tokens = await mintTokens(specs, issuers);
    const values = Object.fromEntries([...tokens].map(([name, token]) => [name, token.value]));
    return { issuers, tokens, keyServers, names: { ...known, tokens: values } };
  } catch (thrown) {
    throw placed(thrown, place);
  }
}
