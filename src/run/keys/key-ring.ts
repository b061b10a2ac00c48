/** The keys of all scenarios of a run, made ahead: RSA keys take a fifth of a second each, in other threads. */
import { availableParallelism } from 'node:os';
import { HarnessError } from '../../base/errors.ts';
import { idOnce } from '../../base/events.ts';
import type { PlannedScenario } from '../../plan/types.ts';
import { variantsOf } from '../../plan/variants.ts';
import type { IssuerSpec } from '../../scenario/format/schema.ts';
import type { LoadedScenario } from '../../scenario/load.ts';
import { resolve } from '../../scenario/template.ts';
import { type IssuerKeys, makeIssuerKeys } from '../../token/issuer-keys.ts';

type Keys = ReadonlyMap<string, IssuerKeys>;

/** One processor is left to the program itself, which has much to load meanwhile; 4 is what UV_THREADPOOL_SIZE allows. */
const atOnce = Math.min(4, Math.max(1, availableParallelism() - 1));

export class KeyRing {
  readonly #runId: string;
  readonly #makeKeys: typeof makeIssuerKeys;
  /** By scenario and what it says of its issuers, which may change while a scenario is being written. */
  readonly #made = new Map<string, Promise<Keys>>();
  /** By scenario, name and what is said of the issuer: what has not changed keeps its keys, which meshes remember. */
  readonly #issuers = new Map<string, Promise<IssuerKeys>>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #ended = false;

  /** @param makeKeys for tests, which need not wait for real keys */
  constructor(runId: string, makeKeys: typeof makeIssuerKeys = makeIssuerKeys) {
    this.#runId = runId;
    this.#makeKeys = makeKeys;
  }

  /** Begins to make the keys of scenarios, for each of their fetch modes, before it is known which of them will run. */
  begin(scenarios: readonly LoadedScenario[]): void {
    for (const scenario of scenarios) {
      const { issuers, place } = scenario;
      for (const { id } of variantsOf(scenario))
        this.#make(id, { issuers, info: { place: place(['name']) } });
    }
  }

  /** The keys of a planned scenario by the names of its issuers. @throws HarnessError E_TOKEN, E_TEMPLATE */
  get(scenario: PlannedScenario): Promise<Keys> {
    // The same every time it is repeated: istiod keeps keys by their address, which does not change.
    return this.#make(idOnce(scenario.info), scenario);
  }

  /** Makes no more keys: Node does not end before every key is made that was begun. */
  end(): void {
    this.#ended = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  async #inTurn<T>(make: () => Promise<T>): Promise<T> {
    // Who comes after the end is not called when it is their turn.
    if (!this.#ended && this.#busy >= atOnce)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#ended) throw new HarnessError('E_INTERRUPTED', 'the run has ended');
    this.#busy += 1;
    try {
      return await make();
    } finally {
      this.#busy -= 1;
      this.#waiting.shift()?.();
    }
  }

  #make(
    id: string,
    { issuers, info }: { issuers: PlannedScenario['issuers']; info: Pick<PlannedScenario['info'], 'place'> },
  ): Promise<Keys> {
    const key = JSON.stringify([id, issuers]);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    // Every scenario has key IDs of its own, so that keys of another one cannot pass for them.
    const suffix = `${this.#runId}-${this.#made.size}`;
    const making = Promise.all(
      Object.entries(issuers).map(async ([name, spec]) => {
        try {
          return [name, await this.#issuer(id, name, resolve(spec, {}, info.place), suffix)] as const;
        } catch (thrown) {
          throw placed(thrown, info.place);
        }
      }),
    ).then((entries): Keys => new Map(entries));
    // What goes wrong is reported by the scenario that needs them.
    making.catch(() => {});
    this.#made.set(key, making);
    return making;
  }

  #issuer(id: string, name: string, spec: IssuerSpec, suffix: string): Promise<IssuerKeys> {
    const key = JSON.stringify([id, name, spec]);
    const making = this.#issuers.get(key) ?? this.#inTurn(() => this.#makeKeys(name, spec, suffix));
    this.#issuers.set(key, making);
    return making;
  }
}

/** The error with a place, if it has none. */
export function placed<T>(thrown: T, place: HarnessError['place']): T | HarnessError {
  if (!(thrown instanceof HarnessError) || thrown.place !== undefined) return thrown;
  const { code, message, hint, details } = thrown;
  return new HarnessError(code, message, { hint, details, place, cause: thrown });
}
