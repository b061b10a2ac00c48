/** Runs one scenario on a lying mesh, and says of each verdict what it should have been. */
import type { CheckResult } from '../../src/base/events.ts';
import type { KubeObject } from '../../src/base/kube-object.ts';
import type { PlannedScenario, PlannedStep } from '../../src/plan/types.ts';
import { Pending } from '../../src/run/proof/pending.ts';
import { runScenario } from '../../src/run/run-scenario.ts';
import type { Origin } from '../../src/target/target.ts';
import type { LyingMesh } from './lying-mesh.ts';

const place = { file: 'some.yaml', line: 1, column: 1 };

/** What a step changes, where it sends from, and what it expects of each path. */
export interface Step {
  readonly apply: readonly KubeObject[];
  readonly delete: readonly KubeObject[];
  readonly origin: Origin;
  readonly expect: Readonly<Record<string, number>>;
}

export interface Judged {
  readonly check: CheckResult;
  /** Undefined when the mesh answers now so, now so. */
  readonly settled: number | undefined;
  readonly expected: number;
}

function planned(step: Step, index: number): PlannedStep {
  return {
    name: `step ${index}`,
    place,
    source: { document: '', section: '' },
    apply: step.apply.map((manifest) => ({ manifest, place })),
    delete: step.delete.map(({ apiVersion, kind, metadata }) => ({
      apiVersion,
      kind,
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
    })),
    origin: step.origin as PlannedStep['origin'],
    selectsNothing: false,
    set: {},
    after: undefined,
    checks: Object.entries(step.expect).map(([path, code]) => ({
      kind: 'request',
      id: `x/step ${index}/${path}/no token`,
      row: path,
      column: 'no token',
      place,
      request: { method: 'GET', url: 'http://httpbin.foo:8000', path, headers: [] },
      expected: { code },
    })) as unknown as PlannedStep['checks'],
  };
}

export async function judged(
  mesh: LyingMesh,
  steps: readonly Step[],
  artifacts: string,
  pending = new Pending(),
): Promise<Judged[]> {
  const scenario = {
    info: {
      id: 'x',
      name: 'x',
      title: '',
      mesh: 'm',
      profile: '',
      source: { document: '', section: '' },
      tags: [],
      place,
    },
    fetch: undefined,
    apps: [],
    issuers: {},
    tokens: {},
    keyServers: {},
    ownServers: [],
    certificates: {},
    steps: steps.map(planned),
    skip: undefined,
  } as unknown as PlannedScenario;
  const found: Judged[] = [];
  await runScenario(
    scenario,
    { issuers: Promise.resolve(new Map()), keyServers: Promise.resolve(new Map()) },
    mesh,
    {
      runId: 'abc123',
      artifacts,
      images: {},
      showTokens: false,
      consecutive: 3,
      answersMs: 20_000,
      holdMs: 60_000,
      clock: mesh.clock,
    },
    pending,
    (event) => {
      if (event.type !== 'check-finished') return;
      const { check } = event;
      const step = steps[Number(check.step.slice('step '.length))];
      if (step === undefined) return;
      found.push({
        check,
        settled: mesh.settled(step.origin, check.row),
        expected: step.expect[check.row] ?? 0,
      });
    },
    new AbortController().signal,
  );
  return found;
}
