/** What the policies of a scenario say about each of its requests, without a mesh. */
import { formatPlace, type Place } from '../../base/errors.ts';
import { withoutNulls } from '../../base/kube-object.ts';
import type { PlannedScenario, PlannedStep, RequestCheck } from '../../plan/types.ts';
import type { Verify } from '../../policy/authenticate.ts';
import { meshConfigMap } from '../../policy/read-mesh-config.ts';
import { nameOf, policyKinds, whyIdle } from '../../policy/selection.ts';
import { shapeTexts, whyRefused } from '../../policy/shape/object-shape.ts';
import { verifyWith } from '../../policy/verify.ts';
import { resolve } from '../../scenario/template.ts';
import type {
  HttpRequest,
  KeyServerHandle,
  KubeObject,
  Origin,
  Survey,
  Target,
} from '../../target/target.ts';
import { buildRequest, namesFor } from '../answers/build-request.ts';
import { type PlacedObject, placedObjects } from '../in-place.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { makeContext, type RunContext } from '../template-context.ts';
import { agrees } from './agrees.ts';
import { decidingOf, type Hop, hopsOf } from './hops.ts';

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
  /** As those of the step: they are left out here. */
  readonly refused: ModelStep['refused'];
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

/** Stands for the key servers of a scenario that are not started. */
export function unstartedServers({ keyServers }: PlannedScenario): ReadonlyMap<string, KeyServerHandle> {
  const server = (name: string) => ({ host: `${name}.external.test`, ip: '192.0.2.1' }) as KeyServerHandle;
  return new Map(Object.keys(keyServers).map((name) => [name, server(name)]));
}

/** A request of a scenario as it is sent, and what is expected of it. */
export interface AskedRequest {
  readonly check: RequestCheck;
  readonly expected: RequestCheck['expected'];
  readonly request: HttpRequest;
  readonly origin: Origin;
}

/** A step that sends requests, and what is in place meanwhile. */
export interface ModelStep {
  readonly step: PlannedStep;
  /** Mesh settings of the scenario, and objects of the applications. */
  readonly base: readonly KubeObject[];
  /** What the scenario has applied, up to this step. */
  readonly applied: readonly PlacedObject[];
  /** Policies that the API server would not take, so that nothing is known of what they mean. */
  readonly refused: readonly PlacedObject[];
  readonly asked: readonly AskedRequest[];
  /** The keys of the issuers by their names, as JSON. */
  readonly keys: ReadonlyMap<string, string>;
}

/**
 * The steps that send requests, in their order, without skipped checks.
 *
 * @throws HarnessError E_TEMPLATE and E_TOKEN, as a run does
 */
export async function modelSteps(
  scenario: PlannedScenario,
  options: Omit<PredictOptions, 'world'>,
): Promise<ModelStep[]> {
  const servers = unstartedServers(scenario);
  const issuers = await options.keys.get(scenario);
  const context = await makeContext(scenario, issuers, servers, nowhere, options.images);
  const keys = new Map([...issuers].map(([name, own]) => [name, JSON.stringify(own.jwks())]));
  const { config, variables } = scenario.settings;
  // With PILOT_HTTP10 proxies take HTTP/1.0 as any other request (pilot/pkg/networking/core/listener.go).
  const takesHttp10 = variables.PILOT_HTTP10 === '1';
  const settings = Object.keys(config).length === 0 ? [] : [meshConfigMap(config)];
  const base = [...settings, ...scenario.apps.flatMap(options.apps)];
  return scenario.steps.flatMap((step) => {
    const { origin } = step;
    // What a proxy rejects is declared, and not in force.
    if (origin === undefined || step.checks.some(({ kind }) => kind === 'rejected')) return [];
    const placed = placedObjects(step, { scenario, context }).map((each) => ({
      ...each,
      object: withoutNulls(each.object),
    }));
    const isTaken = ({ object }: PlacedObject) => whyRefused(object) === undefined;
    const applied = placed.filter(isTaken);
    const refused = placed.filter((each) => !isTaken(each));
    const asked = step.checks.flatMap((check) =>
      check.kind === 'request' && check.skip === undefined && !context.unknown.has(check.request.token ?? '')
        ? [askedOf(check, step, origin, context, takesHttp10)]
        : [],
    );
    return [{ step, base, applied, refused, asked, keys }];
  });
}

function askedOf(
  check: RequestCheck,
  step: PlannedStep,
  usual: Origin,
  context: RunContext,
  takesHttp10: boolean,
): AskedRequest {
  const expected = resolve(check.expected, namesFor(check, context), check.place) as RequestCheck['expected'];
  const built = buildRequest(check, step, context, 'predicted');
  const request = takesHttp10 && built.http === '1.0' ? { ...built, http: undefined } : built;
  return { check, expected, request, origin: check.request.client ?? usual };
}

/**
 * The requests of all steps, in their order.
 *
 * @throws HarnessError E_TEMPLATE and E_TOKEN, as a run does
 */
export async function predict(scenario: PlannedScenario, options: PredictOptions): Promise<Predicted[]> {
  const steps = await modelSteps(scenario, options);
  return steps.flatMap((model) => predictedOf(model, surveyOf(model, options.world)));
}

/** The mesh as it would be in this step. */
export function surveyOf({ base, applied }: ModelStep, world: PredictOptions['world']): Survey {
  return world([...base, ...applied.map(({ object }) => object)]);
}

/** A sentence about an object of a scenario. */
export interface Remark {
  readonly place: Place;
  readonly text: string;
}

/** What in objects is not as it must be. */
export function shapeRemarks(objects: readonly PlacedObject[]): Remark[] {
  return objects.flatMap(({ object, place }) => shapeTexts(object).map((text) => ({ place, text })));
}

/** Policies that hold for nobody, and are meant to. */
export function idleRemarks({ applied }: ModelStep, survey: Survey): Remark[] {
  return applied
    .filter(({ object, step }) => policyKinds.includes(object.kind) && !step.selectsNothing)
    .flatMap(({ object, place }) => {
      const why = whyIdle(object, survey);
      return why === undefined ? [] : [{ place, text: `${nameOf(object)} holds for nobody: ${why}` }];
    });
}

/** With where it stands. */
export function remarkText({ place, text }: Remark): string {
  return `${formatPlace(place)}: ${text}`;
}

/** The requests of one step, in the mesh that there would be. */
export function predictedOf({ step, asked, refused }: ModelStep, survey: Survey): Predicted[] {
  return asked.map(({ check, expected, request, origin }) => {
    const hops = hopsFor(origin, request, survey, verify);
    const deciding = decidingOf(hops);
    return { step, check, expected, hops, deciding, agrees: agrees(expected, deciding), refused };
  });
}

/** What each proxy on the way of a request answers, in a mesh that is not there. */
export function hopsFor(origin: Origin, request: HttpRequest, survey: Survey, verifies: Verify): Hop[] {
  const ingressUrl = origin.kind === 'ingress' ? 'http://127.0.0.1' : undefined;
  return hopsOf({ origin, request, survey, ingressUrl, hasFilters: true, address: 'private' }, verifies);
}

/** Keys that are somewhere else may be there or not: nothing is known of them. */
const verify: Verify = (jwt, { jwks }) =>
  jwks === undefined || jwks === '' ? 'unknown' : verifyWith(jwks, jwt);
