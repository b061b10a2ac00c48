/** What the policies of a scenario say about each of its requests, without a mesh. */
import type { PlannedScenario, PlannedStep, RequestCheck } from '../plan/types.ts';
import type { Verify } from '../policy/authenticate.ts';
import { verifyWith } from '../policy/verify.ts';
import { resolve } from '../scenario/template.ts';
import type { KeyServerHandle, KubeObject, Survey, Target } from '../target/target.ts';
import { makeContext, type RunContext } from './context.ts';
import { decidingOf, type Hop, hopsOf } from './hops.ts';
import { inPlace } from './in-place.ts';
import type { KeyRing } from './keys.ts';
import { buildRequest } from './requests.ts';

export interface Predicted {
  readonly step: PlannedStep;
  readonly check: RequestCheck;
  /** What the scenario expects. */
  readonly expected: RequestCheck['expected'];
  readonly hops: readonly Hop[];
  /** Undefined: no proxy is on the way. */
  readonly deciding: Hop | undefined;
  /** Whether the mesh could answer as expected; undefined: that is not known. */
  readonly agrees: boolean | undefined;
}

export interface PredictOptions {
  readonly keys: KeyRing;
  readonly images: Readonly<Record<string, string>>;
  /** Objects of the applications, by name. */
  readonly apps: (name: string) => readonly KubeObject[];
  /** The mesh that there would be with all these objects. */
  readonly world: (objects: readonly KubeObject[]) => Survey;
}

/** Nothing of a run is there, so this stands for what a scenario can name of it. */
const nowhere = { caCertificate: async () => '' } as unknown as Target;
const server = (name: string) => ({ host: `${name}.external.test`, ip: '192.0.2.1' }) as KeyServerHandle;

/**
 * The requests of all steps, in their order.
 *
 * @throws HarnessError E_TEMPLATE and E_TOKEN, as a run does
 */
export async function predict(scenario: PlannedScenario, options: PredictOptions): Promise<Predicted[]> {
  const servers = new Map(Object.keys(scenario.keyServers).map((name) => [name, server(name)]));
  const issuers = await options.keys.get(scenario);
  const context = await makeContext(scenario, issuers, servers, nowhere, options.images);
  const base = scenario.apps.flatMap(options.apps);
  return scenario.steps.flatMap((step) => {
    const survey = options.world([...base, ...inPlace(step, { scenario, context })]);
    return step.checks.flatMap((check) =>
      check.kind === 'request' && check.skip === undefined ? predicted(check, step, survey, context) : [],
    );
  });
}

function predicted(check: RequestCheck, step: PlannedStep, survey: Survey, context: RunContext): Predicted[] {
  const { origin } = step;
  if (origin === undefined) return [];
  const expected = resolve(check.expected, context.names, check.place) as RequestCheck['expected'];
  const request = buildRequest(check, step, context, 'predicted');
  const ingressUrl = origin.kind === 'ingress' ? 'http://127.0.0.1' : undefined;
  const hops = hopsOf({ origin, request, survey, ingressUrl, hasFilters: true, address: 'private' }, verify);
  const deciding = decidingOf(hops);
  return [{ step, check, expected, hops, deciding, agrees: agrees(expected, deciding) }];
}

/** Keys that are somewhere else may be there or not: nothing is known of them. */
const verify: Verify = (jwt, { jwks }) =>
  jwks === undefined || jwks === '' ? 'unknown' : verifyWith(jwks, jwt);

/**
 * When a request passes, the application answers what it likes. That it answers 401 or 403 itself is possible, and nobody
 * means it.
 */
function agrees({ code, body }: RequestCheck['expected'], deciding: Hop | undefined): boolean | undefined {
  if (deciding === undefined) return undefined;
  const { status, body: own = '' } = deciding.answer;
  if (status === undefined) return undefined;
  if (status === 200) return code !== 401 && code !== 403;
  if (code !== status) return false;
  if (body === undefined || typeof body === 'string') return body === undefined || body === own;
  return 'contains' in body ? own.includes(body.contains) : false;
}
