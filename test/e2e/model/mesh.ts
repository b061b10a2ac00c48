/** A local mesh with one workload, whose sidecar answers for policies that come and go. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HarnessError } from '../../../src/base/errors.ts';
import { defaultMesh, type Header } from '../../../src/policy/input.ts';
import { ofEnvoy } from '../../../src/run/explain/hops.ts';
import type { LocalTarget } from '../../../src/target/local/local-target.ts';
import type { HttpResponse, KubeObject, ProxyRef } from '../../../src/target/target.ts';
import {
  differenceOf,
  type Real,
  receivedOf,
  situationOf,
  withoutTokens,
  workload,
} from '../../policy/real/answers.ts';
import type { RequestPlan } from '../../policy/real/generate.ts';
import { type Sent, sentOf } from '../../policy/real/tokens.ts';
import { unaborted } from '../../support/signals.ts';
import { localTarget } from '../local-more/local-target.ts';

const signal = unaborted();
/** Default: the newest there is. */
const envoy = process.env.MODEL_ENVOY;

export interface Compared {
  readonly plan: RequestPlan;
  readonly real: Real;
  /** Undefined: the model says the same. */
  readonly difference: object | undefined;
}

export class ModelMesh {
  readonly #target: LocalTarget = localTarget('model', undefined, envoy);
  #proxy: ProxyRef | undefined;
  #count = 0;

  async up(): Promise<void> {
    await this.#target.up(signal);
    await this.#target.prepare(['httpbin', 'sleep'], signal);
    const { pods } = await this.#target.survey(signal);
    const { namespace, labels } = workload;
    const pod = pods.find((each) => each.namespace === namespace && each.labels.app === labels.app)!;
    this.#proxy = { namespace, pod: pod.name, labels: pod.labels, kind: 'sidecar' };
  }

  async down(): Promise<void> {
    await this.#target.down(signal);
  }

  /**
   * Applies policies, asks, and undoes them.
   *
   * @param patienceMs how long a difference has to go away: the client's sidecar goes on using its connections to the
   * listener before, which ends them within some seconds, and later on a busy machine
   * @returns one for each request; undefined when Istio's validation refuses the policies
   */
  async compare(
    policies: readonly KubeObject[],
    requests: readonly RequestPlan[],
    patienceMs = 20_000,
  ): Promise<Compared[] | undefined> {
    const scope = `m${this.#count++}`;
    const situation = situationOf(policies, this.#proxy, { ...defaultMesh, ...ofEnvoy(envoy) });
    try {
      try {
        await this.#target.apply(situation.policies, scope, signal);
        await this.#arrived(scope);
      } catch (thrown) {
        if (thrown instanceof HarnessError && thrown.code === 'E_REFUSED') return undefined;
        throw thrown;
      }
      const sent = requests.map((plan) => sentOf(plan));
      const compared = await this.#ask(sent, scope);
      const differing = () =>
        compared.flatMap((each, index) => {
          const difference = differenceOf(sent[index]!, each, situation);
          return difference === undefined ? [] : [{ index, difference }];
        });
      let left = differing();
      for (const end = performance.now() + patienceMs; left.length > 0 && performance.now() < end; ) {
        await sleep(250);
        const again = await this.#ask(
          left.map(({ index }) => sent[index]!),
          scope,
        );
        for (const [number, { index }] of left.entries()) compared[index] = again[number]!;
        left = differing();
      }
      return requests.map((plan, index) => ({
        plan,
        real: compared[index]!,
        difference: left.find((each) => each.index === index)?.difference,
      }));
    } finally {
      await this.#target.undo(scope, signal);
    }
  }

  /** Returns once the proxy has it all. */
  async #arrived(value: string): Promise<void> {
    const proxy = this.#proxy!;
    await this.#target.mark(value, [proxy], signal);
    for (let left = 400; left > 0; left--) {
      const { markers, rejected } = await this.#target.proxyPolicies(proxy, signal);
      const refused = rejected.find(({ marker }) => marker === value);
      if (refused !== undefined) throw new Error(refused.reason);
      if (markers.length > 0 && markers.every((each) => each === value)) return;
      await sleep(10);
    }
    throw new Error('the policies have not arrived');
  }

  async #ask(sent: readonly Sent[], scope: string): Promise<Real[]> {
    const [answers = []] = await this.#target.send(
      { kind: 'pod', app: 'sleep', namespace: 'foo' },
      sent.map(({ plan, headers, path }, index) => ({
        id: `${scope}-${index}`,
        method: plan.method,
        url: `http://httpbin.foo:8000${path}`,
        headers: [...headers, ['Host', plan.host] as [string, string]],
      })),
      1,
      signal,
      { requestMs: 15_000, allMs: 60_000 },
    );
    return answers.map(realOf);
  }
}

/** Of the application's own bodies only what it has received says something about policies. */
function realOf({ status, body, headers }: HttpResponse): Real {
  if (status === 200) return { status, received: echoed(body) };
  const isOwn = status === 401 || status === 403;
  return isOwn ? { status, body, www: withoutTokens(headers['www-authenticate']) } : { status };
}

/** httpbin prints the headers of a request, each with a list of its values; undefined where it prints something else. */
function echoed(body: string): Record<string, string> | undefined {
  try {
    const { headers } = JSON.parse(body) as { headers: Record<string, string[]> };
    return receivedOf(
      Object.entries(headers).flatMap(([name, values]) => values.map((value): Header => [name, value])),
    );
  } catch {
    return undefined;
  }
}
