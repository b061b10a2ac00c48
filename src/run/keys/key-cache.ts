/**
 * What istiod may have in its cache of keys, by issuer and address (JwksResolver in pilot/pkg/model). It keeps them for 20
 * minutes and more, so a scenario whose addresses have been used before would get the keys of then, and nobody would ask
 * its key server: no verdict about it would be the same alone and in company.
 */
import type { PlannedScenario } from '../../plan/types.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import { resolve } from '../../scenario/template.ts';
import type { IstiodStart, Target } from '../../target/target.ts';

/** Where the policies of a scenario have keys from, as the scenario says it: issuer and address. */
export function keyAddresses({ steps }: Pick<PlannedScenario, 'steps'>): [string, string][] {
  return steps
    .flatMap(({ apply }) => apply.flatMap(({ manifest }) => jwtRulesOf(manifest)))
    .filter(({ jwks = '' }) => jwks === '')
    .map(({ issuer = '', jwksUri = '' }) => [issuer, jwksUri]);
}

export class KeyCache {
  readonly #target: Target;
  readonly #used = new Set<string>();
  #variables: IstiodStart['variables'] = {};

  constructor(target: Target) {
    this.#target = target;
  }

  /** The variables with which istiod runs now. */
  get variables(): IstiodStart['variables'] {
    return this.#variables;
  }

  /** Has an istiod that is started so and has no keys of scenarios, where it can be restarted. */
  async clear(start: IstiodStart, signal: AbortSignal): Promise<void> {
    await this.#target.setIstiod(start, signal);
    this.#variables = start.variables;
    if (!this.#target.missing.has('fetch-mode')) this.#used.clear();
  }

  /**
   * To be called before a scenario runs. Restarts istiod when it may have keys of its addresses.
   *
   * @param addresses at least one: without any, nobody fetches keys
   * @param alone whether it must know no other addresses either: it goes on asking there, and where it fails, everywhere more
   * rarely
   * @param names for the templates in the addresses
   * @returns the addresses whose keys it may have nevertheless, because it cannot be restarted
   */
  async use(
    addresses: readonly [string, string][],
    names: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    alone = false,
  ): Promise<readonly string[]> {
    const fetch = this.#target.fetchMode();
    // Envoys forget keys together with the configuration that names them.
    if (fetch === 'envoy') return [];
    const filledIn = addresses.map((each) => filled(each, names));
    const isUsed = (address: [string, string]) => this.#used.has(JSON.stringify(address));
    if (filledIn.some(isUsed) || (alone && this.#used.size > 0))
      await this.clear({ fetch, variables: this.#variables }, signal);
    const left = filledIn.filter(isUsed).map(([issuer, uri]) => uri || `issuer ${issuer}`);
    for (const address of filledIn) this.#used.add(JSON.stringify(address));
    // Also when the scenario is cut off.
    await this.#target.keysUsed?.(signal);
    return [...new Set(left)];
  }
}

/** The address; as it is written when a name in it is not known, which the step that applies it says. */
function filled(address: [string, string], names: Readonly<Record<string, unknown>>): [string, string] {
  try {
    return resolve(address, names);
  } catch {
    return address;
  }
}
