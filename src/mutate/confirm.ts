/** Scenarios that try mistakes on a mesh: with the mistake in place, the mesh must answer what the model says. */
import type { Place } from '../base/errors.ts';
import { groupBy } from '../base/group.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { nameOfKey } from '../base/names.ts';
import type {
  PlannedCheck,
  PlannedGroup,
  PlannedScenario,
  PlannedStep,
  RequestCheck,
} from '../plan/types.ts';
import { mistakeText } from '../report/mutation.ts';
import type { Answer, ObjectRef } from '../scenario/format/schema.ts';
import { isExpected } from '../scenario/table.ts';
import type { JudgedMutant, Verdict } from './judge.ts';

/** A scenario with what was found out about mistakes in its policies. */
export interface Judged {
  readonly scenario: PlannedScenario;
  readonly mutants: readonly JudgedMutant[];
}

type Noticed = Extract<Verdict, { kind: 'noticed' }>;

/**
 * One scenario for each of the mistakes that are tried: its steps up to that of the check that notices it, and of all checks
 * this one, which expects what the model says.
 *
 * @param most how many mistakes, spread evenly over all that checks notice
 */
export function trialsOf(judged: readonly Judged[], most: number): PlannedGroup[] {
  const all = judged.flatMap(({ scenario, mutants }) =>
    mutants.flatMap((each, index) => {
      const { verdict, written } = each;
      return verdict.kind === 'noticed' && written !== undefined && !isByEcho(verdict)
        ? [trial(scenario, each, verdict, written.object, index + 1)]
        : [];
    }),
  );
  const count = Math.min(most, all.length);
  const chosen = Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)]).flatMap(
    (each) => each ?? [],
  );
  const alike = groupBy(chosen, ({ fetch, settings }) => JSON.stringify([fetch, settings]));
  return [...alike.values()].flatMap((scenarios) =>
    scenarios.slice(0, 1).map(({ fetch, settings }) => ({ fetch, settings, scenarios })),
  );
}

function isNotInForce(check: PlannedCheck): boolean {
  return check.kind === 'rejected' || (check.kind === 'apply' && check.refused !== undefined);
}

/** Only what the application received tells the mistake: times and keys in it are others in each run. */
function isByEcho({ by: { expected }, answer }: Noticed): boolean {
  return expected.received !== undefined && isExpected(expected.code, answer.status);
}

function trial(
  scenario: PlannedScenario,
  { mutant, place }: JudgedMutant,
  { step: last, by, answer }: Noticed,
  manifest: KubeObject | undefined,
  number: number,
): PlannedScenario {
  const { info } = scenario;
  const id = `${info.id}~${number}`;
  const expected =
    answer.status === 200
      ? { code: passingCode(scenario, by.check) }
      : { code: answer.status, ...(answer.body === undefined ? {} : { body: answer.body }) };
  const check: RequestCheck = {
    ...by.check,
    id: `${id}${by.check.id.slice(info.id.length)}`,
    finding: undefined,
    expected,
  };
  const steps = scenario.steps
    .slice(0, scenario.steps.indexOf(last) + 1)
    // What is refused is not in place, and nothing else is done in such a step.
    .filter(({ checks }) => !checks.some(isNotInForce))
    .map(
      (step): PlannedStep => ({
        ...step,
        delete: [...step.delete, ...leftBehind(step, scenario, place, manifest)],
        apply: step.apply.flatMap((each) => {
          if (each.place !== place) return [each];
          return manifest === undefined ? [] : [{ ...each, manifest }];
        }),
        // A mistake may be that it holds for nobody.
        selectsNothing: true,
        checks: step === last ? [check] : [],
      }),
    );
  const title = `${info.title}; with a mistake: ${mistakeText(mutant)}`;
  return { ...scenario, info: { ...info, id, title, profile: 'mutants' }, steps };
}

/** An earlier step may have applied a policy of the same name, which would stay where this one is not. */
function leftBehind(
  step: PlannedStep,
  { steps }: PlannedScenario,
  place: Place,
  changed: KubeObject | undefined,
): ObjectRef[] {
  const manifest = step.apply.find((each) => each.place === place)?.manifest;
  if (manifest === undefined) return [];
  const keyOf = ({ kind, metadata }: KubeObject) => nameOfKey({ ...metadata, kind });
  if (changed !== undefined && keyOf(changed) === keyOf(manifest)) return [];
  const before = steps.slice(0, steps.indexOf(step)).flatMap(({ apply }) => apply);
  if (!before.some((each) => keyOf(each.manifest) === keyOf(manifest))) return [];
  const { apiVersion, kind, metadata } = manifest;
  return [{ apiVersion, kind, name: metadata.name, namespace: metadata.namespace }];
}

/** What the application answers when a request like this one passes, as another check of the scenario says. */
function passingCode({ steps }: PlannedScenario, { request }: RequestCheck): Answer['code'] {
  const codes = steps.flatMap(({ checks }) =>
    checks.flatMap((each) =>
      each.kind === 'request' && each.request.path === request.path && each.request.method === request.method
        ? [each.expected.code]
        : [],
    ),
  );
  return codes.find((code) => code !== 401 && code !== 403 && code !== '4xx') ?? 200;
}
