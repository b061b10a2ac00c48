/** Results full of what a page must not take for markup. */
import type { CheckResult, MeshFacts, ScenarioInfo, Selection, Unstamped } from '../../../src/base/events.ts';
import { type History, type PastRun, pastRunOf } from '../../../src/report/history/history.ts';
import type { RunResult } from '../../../src/report/result.ts';
import { check, closing, requireJwt, scenarioEvents, stream } from '../fixture.ts';
import { resultOf } from './showcase.ts';

/** Each would run a script, or break out of its place, if it came into the page as it is. */
export const attacks = [
  '<script>window.__pwned = 1</script>',
  '</script><script>window.__pwned = 1</script>',
  '</title></style></textarea><img src=x onerror="window.__pwned = 1">',
  '"><svg onload="window.__pwned = 1">',
  "' autofocus onfocus='window.__pwned = 1' x='",
  'javascript:window.__pwned=1',
  'data:text/html,<script>window.__pwned=1</script>',
  '-->]]>&#60;script&#62;window.__pwned = 1&#60;/script&#62;',
  '\u2028window.__pwned = 1\u2029',
  '\u202e}\u2066 txet ,noitcerid fo egnahc',
  '`${window.__pwned = 1}`',
  '\u0000\u001b[31m\ud800\r\n\u0085\u200b\ufeff',
  '../../../etc/passwd?x=1#y',
].join(' ');

/** Earlier runs in which every text is `text`, of the same checks as {@link resultOfText} has. */
export function historyOfText(text: string): History {
  const runs = (['passed', 'failed', 'error', 'skipped', undefined] as const).map((state): PastRun => {
    const past = pastRunOf(resultOfText(text));
    const states = [...past.states].map(
      ([mesh, checks]) =>
        [mesh, new Map([...checks].flatMap(([id]) => (state ? [[id, state] as const] : [])))] as const,
    );
    return { ...past, id: text, startedAt: text, states: new Map(states) };
  });
  return { runs, problems: [text] };
}

/** A result in which every text that comes from outside is `text`. */
export function resultOfText(text: string): RunResult {
  const info: ScenarioInfo = {
    ...requireJwt,
    id: `s${text}`,
    name: text,
    title: text,
    profile: text,
    source: { document: text, section: text, url: text },
    tags: [text],
    place: { file: text, line: 1, column: 1 },
  };
  const problem = {
    code: 'E_KUBE',
    message: text,
    hint: text,
    details: `d${text}`,
    place: info.place,
  } as const;
  const selection: Selection = {
    workloads: [text, `free${text}`],
    policies: [
      { policy: `Kind ${text}`, action: text, workloads: [text] },
      { policy: text, workloads: [], idle: text },
    ],
  };
  const base = check(info, {
    step: `t${text}`,
    row: text,
    column: text,
    expected: text,
    actual: text,
    state: 'failed',
    message: text,
    hint: text,
    finding: text,
    proof: text,
    request: {
      curl: text,
      method: text,
      url: text,
      headers: [[text, text]],
      token: { name: text, header: { [text]: text }, claims: { [text]: text, exp: 1 } },
    },
    response: { status: 200, headers: { [`h${text}`]: text }, body: `b${text}` },
    evidence: text,
    evidenceFiles: [{ name: text, text, omitted: 3 }],
  });
  const all: CheckResult[] = [
    base,
    { ...base, row: `known${text}`, state: 'known', known: { reason: text, until: text } },
    { ...base, row: `skipped${text}`, state: 'skipped', convergence: undefined },
    {
      ...base,
      row: `error${text}`,
      state: 'error',
      request: { ...base.request!, token: { name: text, raw: text } },
    },
    { ...base, row: `passed${text}`, state: 'passed' },
    { ...base, row: `apply${text}`, kind: 'apply', state: 'passed' },
  ];
  const checks = all.map((each, index) => ({
    ...each,
    id: `${each.id}${index}`,
    source: info.source,
    place: info.place,
  }));
  const mesh: MeshFacts = {
    id: text,
    target: text,
    reason: text,
    istio: text,
    envoy: text,
    kubernetes: text,
    asm: text,
    fetch: 'istiod',
    details: { [`k${text}`]: text },
  };
  const other: MeshFacts = { ...mesh, id: `other${text}`, istio: `other${text}` };
  const events = (of: MeshFacts): Unstamped[] =>
    scenarioEvents({ ...info, mesh: of.id }, checks, { problem, warnings: [text] }).flatMap(
      (event): Unstamped[] =>
        event.type === 'step-applied'
          ? [
              { ...event, objects: [`K${text}`], manifests: [{ object: `K${text}`, yaml: text }] },
              { type: 'step-selected', mesh: of.id, scenario: event.scenario, step: event.step, selection },
            ]
          : [event],
    );
  const result = resultOf(
    stream([
      { type: 'run-started', runId: text, version: text, meshes: [text, other.id] },
      { type: 'phase-started', phase: text, mesh: text },
      { type: 'phase-failed', phase: text, mesh: text, durationMs: 3, problem },
      { type: 'mesh-ready', mesh },
      { type: 'mesh-ready', mesh: other },
      { type: 'mesh-failed', mesh: `failed${text}`, problem },
      { type: 'warning', message: text, mesh: text, place: info.place },
      ...events(mesh),
      ...events(other),
      closing(1, {}, { problem }),
    ]),
  );
  const survivor = {
    ...{ policy: text, change: text, request: text, answer: text, mistaken: text },
    place: info.place,
  };
  const mutation = { noticed: 1, survived: 1, equivalent: 0, undecided: 0, survivors: [survivor] };
  return {
    ...result,
    scenarios: result.scenarios.map((scenario) => ({ ...scenario, mutation })),
    flaky: [{ mesh: text, check: text, runs: 3, passed: 1 }],
  };
}
