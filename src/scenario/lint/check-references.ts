/** Checks every `${…}`: that it can be understood, and refers to something that is known where it stands. */

import type { ScenarioSpec } from '../format/schema.ts';
import { rowsOf } from '../table.ts';
import { lookUp, type Reference, references, type TemplateContext, whole } from '../template.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { type Report, reservedNames } from './mistakes.ts';

export function checkReferences(scenario: ScenarioSpec, report: Report): void {
  const known = knownIn(scenario);
  const { tokens: _, certificates: __, ...inTokens } = known;
  const inRequests = { ...known, row: '', column: '', token: aToken };
  const check = (value: unknown, at: Path, context: TemplateContext) =>
    checkValue(value, at, context, scenario, report);

  // Key servers, and so everything else, start with the keys of issuers.
  check(scenario.issuers, ['issuers'], {});
  check(scenario.tokens, ['tokens'], { ...inTokens, env: {} });
  // A description is for people, and may show what a template looks like.
  const { answers, description, issuers, lists, requests, steps, tokens, ...rest } = scenario;
  check(rest, [], {});
  check({ answers, requests }, [], inRequests);
  for (const [index, step] of steps.entries()) {
    const at = ['steps', index];
    const { apply, expect, request, set, ...others } = step;
    check(others, at, {});
    check(apply, [...at, 'apply'], known);
    check(set, [...at, 'set'], known);
    check(request, [...at, 'request'], inRequests);
    if (expect === undefined) continue;
    check(expect.columns, [...at, 'expect', 'columns'], known);
    for (const [row, cells] of rowsOf(expect)) {
      check({ [row]: null }, [...at, 'expect'], known);
      check(cells, [...at, 'expect', row], inRequests);
    }
  }
}

const aKey = { jwk: '', pem: '' };
const aToken = { [whole]: '', header: '', payload: '', signed: '' };

/** What a run will know, with nothing in it that matters. */
function knownIn({ issuers, tokens, keyServers, certificates }: ScenarioSpec): TemplateContext {
  const each = (names: object, make: (name: string) => unknown) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, make(name)]));
  return {
    issuers: each(issuers, (name) => ({
      issuer: '',
      jwks: '',
      ...aKey,
      keys: each(issuers[name]?.keys ?? { default: {} }, () => aKey),
    })),
    tokens: each(tokens, () => aToken),
    // A key server in the cluster has the address of its Service, which the scenario itself applies.
    keyServers: each(keyServers, (name) =>
      keyServers[name]!.where === 'external' ? { host: '', ip: '' } : {},
    ),
    certificates: each(certificates, () => ({ cert: '', key: '', ca: '' })),
    ca: { pem: '' },
    images: {},
    now: 0,
  };
}

function checkValue(
  value: unknown,
  at: Path,
  context: TemplateContext,
  scenario: ScenarioSpec,
  report: Report,
): void {
  for (const reference of references(value)) {
    const problem = problemOf(reference, context, scenario);
    if (problem === undefined) continue;
    report([...at, ...reference.path], problem.message, problem.hint, reference.inKey ? 'key' : 'value');
  }
}

function problemOf(
  { expression, problem, source }: Reference,
  context: TemplateContext,
  { lists = {} }: ScenarioSpec,
): { message: string; hint: string } | undefined {
  if (expression === undefined) return problem;
  const [first, ...more] = expression.kind === 'now' ? ['now'] : expression.names;
  // What images there are depends on the settings, and is known when it runs.
  if ((first === 'images' || first === 'env') && more.length === 1 && first in context) return undefined;
  if (first === 'env' && first in context) {
    const message = `${source} names no variable of the environment`;
    return { message, hint: 'Write one name behind "env.", such as ${env.TOKEN}.' };
  }
  if (Object.hasOwn(context, first!)) return lookUp(expression, source, context).problem;
  if (first === 'row' || first === 'column' || first === 'token') {
    const what = first === 'token' ? 'The token of a cell is' : 'Rows and columns are';
    return {
      message: `${source} is not known here`,
      hint: `${what} known in "request" and in the cells of the table.`,
    };
  }
  if (Object.hasOwn(lists, first!)) {
    return {
      message: `${source} is a list, and its values are not known here`,
      hint: `They are known within an issuer, key, token, row or column whose name has ${source} in it.`,
    };
  }
  if (reservedNames.includes(first!)) {
    const names = Object.keys(context).map((name) => `\${${name}…}`);
    const hint =
      names.length === 0 ? 'Write the value itself.' : `What can be used here: ${names.join(', ')}.`;
    return { message: `${source} is not filled in here`, hint };
  }
  return lookUp(expression, source, { ...context, ...lists }).problem;
}
