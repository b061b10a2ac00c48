/** A conformance report as data, out of the verdicts of one mesh. */
import type { CheckState } from '../../base/events.ts';
import { profiles } from '../../base/profiles.ts';
import {
  apiVersion,
  type ConformanceProfile,
  type ConformanceReport,
  kind,
} from '../schema/conformance-schema.ts';
import { checkId, type Incomplete, type MeshVerdicts, type Verdict } from './conformance-verdicts.ts';

/** In the order in which it is written; `answers` keep the order of the scenario files. */
export function conformanceReport(mesh: MeshVerdicts): Omit<ConformanceReport, 'answers'> & {
  readonly answers: Answers;
} {
  const { facts, problem, findings } = mesh;
  return {
    apiVersion,
    kind,
    date: mesh.date,
    toolVersion: mesh.toolVersion,
    state: mesh.state,
    implementation: {
      organization: 'istio',
      project: 'istio',
      url: 'https://istio.io',
      version: facts?.istio,
      asm: facts?.asm,
    },
    environment: {
      mesh: mesh.mesh,
      target: facts?.target,
      envoy: facts?.envoy,
      kubernetes: facts?.kubernetes,
      fetch: facts?.fetch,
    },
    problem,
    profiles: profilesOf(mesh),
    findings: findings.map(({ text, checks }) => ({ text, checks: [...checks] })),
    answers: answersOf(mesh.verdicts),
  };
}

/** The product's own first, then others by name. */
function profilesOf({ verdicts, incomplete }: MeshVerdicts): ConformanceProfile[] {
  const all = [...verdicts.values()];
  const names = new Set([...all, ...incomplete].map(({ profile = 'unknown' }) => profile));
  const own = profiles.filter((name) => names.delete(name));
  return [...own, ...[...names].toSorted()].map((name) =>
    profileOf(
      name,
      all.filter(({ profile }) => profile === name),
      incomplete.filter(({ profile }) => profile === name),
    ),
  );
}

function profileOf(
  name: string,
  verdicts: readonly Verdict[],
  incomplete: readonly Incomplete[],
): ConformanceProfile {
  const of = (state: CheckState) => verdicts.filter((verdict) => verdict.state === state);
  const count = (state: CheckState) => of(state).length;
  const statistics = {
    passed: count('passed'),
    failed: count('failed'),
    known: count('known'),
    error: count('error'),
    skipped: count('skipped'),
    notRun: incomplete.reduce((sum, { checks }) => sum + checks, 0),
  };
  return {
    name,
    result: resultOf(statistics),
    statistics,
    failed: some(of('failed').map(explained)),
    known: some(of('known').map(explained)),
    error: some(byReason(of('error'))),
    skipped: some(byReason(of('skipped'))),
    notRun: some(incomplete.map(({ scenario, checks, reason }) => ({ scenario, checks, reason }))),
  };
}

function resultOf(statistics: ConformanceProfile['statistics']): ConformanceProfile['result'] {
  const { passed, failed, error, notRun, known, skipped } = statistics;
  if (failed > 0) return 'failure';
  if (error + notRun > 0 || passed + known === 0) return 'inconclusive';
  return known + skipped > 0 ? 'partial' : 'success';
}

function explained(verdict: Verdict) {
  const { expected, answer, reason = 'no reason given', until } = verdict;
  return { check: checkId(verdict), expected: code(expected), answer: answer && code(answer), reason, until };
}

function byReason(verdicts: readonly Verdict[]) {
  const groups = new Map<string, string[]>();
  for (const verdict of verdicts) {
    const { reason = 'no reason given' } = verdict;
    groups.set(reason, [...(groups.get(reason) ?? []), checkId(verdict)]);
  }
  return [...groups].map(([reason, checks]) => ({ reason, checks }));
}

function some<T>(list: readonly T[]): T[] | undefined {
  return list.length === 0 ? undefined : [...list];
}

type Cell = ConformanceReport['answers'][string][string][string][string];
/** Scenario, step, row, column. Maps, since objects would bring names that look like numbers to the front. */
type Answers = Map<string, Map<string, Map<string, Map<string, Cell>>>>;

function answersOf(verdicts: MeshVerdicts['verdicts']): Answers {
  const answers: Answers = new Map();
  for (const verdict of verdicts.values()) {
    const { scenario, step, row, column } = verdict;
    below(below(below(answers, scenario), step), row).set(column, cellOf(verdict));
  }
  return answers;
}

function below<Inner>(outer: Map<string, Map<string, Inner>>, name: string): Map<string, Inner> {
  const inner = outer.get(name) ?? new Map<string, Inner>();
  outer.set(name, inner);
  return inner;
}

function cellOf({ state, answer, expected }: Verdict): Cell {
  if (state === 'passed' && answer !== undefined) return code(answer);
  if (state === 'skipped') return { state };
  return { state, answer: answer && code(answer), expected: code(expected) };
}

/** A status code as a number. */
function code(answer: string): string | number {
  return /^[1-5]\d\d$/.test(answer) ? Number(answer) : answer;
}
