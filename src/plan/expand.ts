/** Makes the checks of a step: one for each cell of its table, for a refusal, and for who fetched keys. */
import type { SourceRef } from '../base/events.ts';
import type { Answer, Cell, StepSpec } from '../scenario/format/schema.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import { type CheckName, casesOf, cellRequest, checkId, checkNames, podOf } from '../scenario/table.ts';
import { substitute } from '../scenario/template.ts';
import { throughGateway } from '../scenario/through.ts';
import { type Circumstances, whyNot } from './conditions.ts';
import { serversIn } from './own-servers.ts';
import type { PlannedCheck, PlannedStep } from './types.ts';

/**
 * A step as it is run in these circumstances.
 *
 * @param id of the planned scenario
 * @param index of the step in the scenario
 * @param missing what the target cannot do: the reason by the name of the capability
 * @param own key servers that a server of the user's own stands for
 */
export function planStep(
  scenario: LoadedScenario,
  id: string,
  index: number,
  circumstances: Circumstances,
  missing: ReadonlyMap<string, string>,
  own: readonly string[] = [],
): PlannedStep {
  const step = scenario.steps[index]!;
  const servers = serversIn(step);
  // The CA that has signed the certificate of a server of the user's own is for its owner to make known.
  const isAllOwn = servers.length > 0 && servers.every((name) => own.includes(name));
  const at = ['steps', index];
  const source = sourceOf(scenario);
  const why = (step.requires ?? [])
    .filter((capability) => !(capability === 'jwks-ca' && isAllOwn))
    .flatMap((capability) => missing.get(capability) ?? []);
  const skip = why.length === 0 ? undefined : why.join('; ');
  const planned = {
    name: step.name,
    place: scenario.place([...at, 'name']),
    source: { ...source, section: step.section ?? source.section },
    set: step.set ?? {},
    after: step.after,
    apply: (step.apply ?? []).map((manifest, i) => ({
      manifest,
      place: scenario.place([...at, 'apply', i]),
    })),
    delete: step.delete ?? [],
    selectsNothing: step.selectsNothing ?? false,
    origin: originOf(step, scenario),
    checks: checkNames(step, at).map((name) => planCheck(scenario, step, id, name, circumstances, own)),
  };
  if (skip === undefined) return planned;
  // What is tested nowhere in it is not done either.
  const checks = planned.checks.map((check) => ({ ...check, skip }));
  return { ...planned, set: {}, after: undefined, apply: [], delete: [], checks };
}

/** A scenario without a source has an empty one, so that every reader of results finds the field. */
export function sourceOf({ source = { document: '', section: '' } }: LoadedScenario): SourceRef {
  const { document, section, url } = source;
  return { document, section, ...(url === undefined ? {} : { url }) };
}

function originOf(step: StepSpec, { certificates }: LoadedScenario): PlannedStep['origin'] {
  if (step.through !== undefined) {
    const gateway = throughGateway(step.through, certificates);
    return { kind: 'ingress', ...(gateway === undefined ? {} : { gateway }) };
  }
  return step.from === undefined ? undefined : podOf(step.from);
}

function planCheck(
  scenario: LoadedScenario,
  step: StepSpec,
  id: string,
  name: CheckName,
  circumstances: Circumstances,
  own: readonly string[],
): PlannedCheck {
  const { row, column, path } = name;
  const base = { id: checkId(id, step.name, name), row, column, place: scenario.place(path) };
  const finding = (own?: string) => {
    const text = own ?? step.finding;
    return text === undefined ? {} : { finding: text };
  };
  switch (name.kind) {
    case 'apply': {
      const { message, when, finding: own } = step.refused!;
      const isRefused = whyNot(when, circumstances) === undefined;
      return isRefused
        ? { ...base, kind: 'apply', refused: message, ...finding(own) }
        : { ...base, kind: 'apply', refused: undefined, ...finding() };
    }
    case 'rejected':
      return { ...base, kind: 'rejected', reason: step.rejected!, ...finding() };
    case 'fetched': {
      const { from: keyServer, by } = step.fetched!;
      const who = typeof by === 'string' ? by : by[circumstances.fetch];
      const skip =
        who === undefined
          ? `the scenario does not say who fetches in mode ${circumstances.fetch}`
          : own.includes(keyServer)
            ? 'the access log of the server of --external-jwks is not seen; without --external-jwks a key server of this tool would prove it'
            : undefined;
      return { ...base, kind: 'fetched', keyServer, by: who ?? 'nobody', ...finding(), skip };
    }
    case 'request': {
      const cells = step.expect![row] as unknown as Cell[];
      const { answer, skip } = chooseCase(cells[path.at(-1) as number]!, { ...circumstances, row, column });
      const { finding: own, within = step.within, ...rest } = fillAnswer(answer, row, column);
      const expected = within === undefined ? rest : { ...rest, within };
      const request = cellRequest(step.request, row, column, scenario.requests);
      if ('message' in request) throw new TypeError(request.message);
      const skipped = skip === undefined ? {} : { skip };
      return { ...base, kind: 'request', request, expected, ...finding(own), ...skipped };
    }
  }
}

/** The first case that matches. When none does, the first one and the reason why the check is skipped. */
function chooseCase(cell: Cell, circumstances: Circumstances): { answer: Answer; skip?: string } {
  const cases = casesOf(cell);
  const reasons: string[] = [];
  for (const { answer, when } of cases) {
    const reason = whyNot(when, circumstances);
    if (reason === undefined) return { answer };
    reasons.push(reason);
  }
  return { answer: cases[0]!.answer, skip: `no case is for this mesh: ${[...new Set(reasons)].join('; ')}` };
}

/** Fills the names of row and column in, in names of headers too. */
function fillAnswer(answer: Answer, row: string, column: string): Answer {
  const { body, headers, received, ...rest } = answer;
  const fill = <T>(value: T): T => mapTexts(value, (text) => substitute(text, { row, column }));
  return {
    ...rest,
    // The name of an issuer is none of them.
    ...(body === undefined ? {} : { body: typeof body === 'object' && 'jwks' in body ? body : fill(body) }),
    ...(headers === undefined ? {} : { headers: fill(headers) }),
    ...(received === undefined ? {} : { received: fill(received) }),
  };
}

/** A copy with every text and every key replaced. */
function mapTexts<T>(value: T, replace: (text: string) => string): T {
  const copy = (each: unknown): unknown => {
    if (typeof each === 'string') return replace(each);
    if (Array.isArray(each)) return each.map(copy);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, item]) => [replace(key), copy(item)]));
  };
  return copy(value) as T;
}
