/** Runs scenarios that are written as in a file against a {@link FakeTarget}, and collects the events. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckResult, Event, MeshFacts, Unstamped } from '../../src/base/events.ts';
import { plan } from '../../src/plan/plan.ts';
import type { PlannedStep } from '../../src/plan/types.ts';
import { KeyRing } from '../../src/run/keys/key-ring.ts';
import { Pending } from '../../src/run/proof/pending.ts';
import { type RunRequest, runAll } from '../../src/run/run-all.ts';
import type { RunOptions, StepState } from '../../src/run/steps/step-state.ts';
import { makeContext, startKeyServers } from '../../src/run/template-context.ts';
import { planOf } from '../plan/support.ts';
import { scenarioOf } from '../scenario/support.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { unaborted } from '../support/signals.ts';

export interface Outcome {
  readonly exitCode: number;
  readonly events: readonly Event[];
  readonly checks: readonly CheckResult[];
  readonly target: FakeTarget;
  readonly artifacts: string;
}

export interface RunSettings
  extends Partial<
    Pick<RunRequest, 'failFast' | 'repeat' | 'conclude' | 'shard' | 'baseline' | 'signal' | 'emit'>
  > {
  readonly target?: FakeTarget;
  /** Instead of one target. */
  readonly targets?: readonly FakeTarget[];
  readonly atOnce?: number;
  readonly options?: Partial<RunOptions>;
  /** Meshes that nothing is planned for. */
  readonly leaveOut?: (facts: MeshFacts) => boolean;
  readonly sharing?: () => number;
}

export async function run(sources: readonly string[], settings: RunSettings = {}): Promise<Outcome> {
  const targets = settings.targets ?? [settings.target ?? new FakeTarget()];
  const [target = new FakeTarget()] = targets;
  const scenarios = sources.map((source, index) => scenarioOf(source, 'documented', `file-${index}.yaml`));
  const artifacts = mkdtempSync(join(tmpdir(), 'artifacts-'));
  const events: Event[] = [];
  const exitCode = await runAll({
    version: '0.0.0',
    targets,
    atOnce: settings.atOnce ?? targets.length,
    sharing: settings.sharing,
    plan: (facts, missing) =>
      settings.leaveOut?.(facts) === true
        ? []
        : plan(scenarios, facts, missing, { canSwitchFetch: true }).groups,
    options: {
      runId: 'abc123',
      artifacts,
      images: { nginx: 'nginx:1' },
      showTokens: false,
      consecutive: 3,
      answersMs: 100,
      holdMs: 300,
      ...settings.options,
    },
    keys: new KeyRing('abc123'),
    failFast: settings.failFast ?? false,
    repeat: settings.repeat,
    conclude: settings.conclude,
    shard: settings.shard,
    baseline: settings.baseline,
    emit: (event) => {
      events.push(event);
      settings.emit?.(event);
    },
    signal: settings.signal ?? new AbortController().signal,
  });
  const checks = events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
  return { exitCode, events, checks, target, artifacts };
}

/** What a scenario carries from step to step, at its start. Time passes only when something waits. */
export async function stateOf(
  source: string,
  target = new FakeTarget(),
  more: Partial<Omit<StepState, 'options'>> & { readonly options?: Partial<RunOptions> } = {},
) {
  const [scenario] = planOf([scenarioOf(source, 'documented', 'file-0.yaml')]).scenarios;
  if (scenario === undefined) throw new Error('nothing is planned');
  const events: Unstamped[] = [];
  const options: RunOptions = {
    runId: 'abc123',
    artifacts: mkdtempSync(join(tmpdir(), 'artifacts-')),
    images: {},
    showTokens: false,
    consecutive: 3,
    answersMs: 1000,
    holdMs: 1000,
    clock: fakeClock(),
    ...more.options,
  };
  const issuers = await new KeyRing(options.runId).get(scenario);
  const keyServers = await startKeyServers(scenario, issuers, target, unaborted());
  const state: StepState = {
    target,
    scenario,
    context: await makeContext(scenario, issuers, keyServers, target, options.images),
    emit: (event) => events.push(event),
    cachedKeys: [],
    applied: [],
    pending: new Pending(),
    snapshot: new Map(),
    survey: undefined,
    held: undefined,
    ...more,
    options,
  };
  const stepOf = (name: string) => scenario.steps.find((step) => step.name === name) as PlannedStep;
  return { state, target, events, stepOf };
}

/** A file with these steps; `more` is YAML at its top. */
export function scenarioSource(name: string, steps: string, more = ''): string {
  return `name: ${name}
title: Title of ${name}
source: { document: FAQ, section: Sample }
apps: [httpbin, sleep]
issuers: { sample: { issuer: me, algorithm: ES256 } }
tokens: { valid: { issuer: sample, claims: { sub: me } } }
${more}
steps:
${steps}`;
}

/** A step that sends to httpbin without and with a token. */
export function sendStep(name: string, cells = '[200, 200]', more = ''): string {
  return `  - name: ${name}
${more}    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect:
      columns: [no token, valid]
      /headers: ${cells}
`;
}

export const applyAuthentication = `    apply:
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: jwt, namespace: foo }
        spec: { jwtRules: [{ issuer: me, jwks: "\${issuers.sample.jwks}" }] }
`;

export const applyAuthorization = `    apply:
      - apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: { name: require, namespace: foo }
        spec: { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }
`;

/** The type of each event, with what tells it from others of its type. */
export function outline(events: readonly Event[]): string[] {
  return events.map((event) => {
    switch (event.type) {
      case 'scenario-started':
        return `${event.type} ${event.scenario.id}`;
      case 'scenario-finished':
        return `${event.type} ${event.scenario}${event.problem === undefined ? '' : ` ${event.problem.code}`}`;
      case 'step-started':
      case 'step-selected':
      case 'step-held':
        return `${event.type} ${event.step}`;
      case 'step-applied':
        return `${event.type} ${event.objects.join(', ')}`;
      case 'check-finished':
        return `${event.type} ${event.check.state} ${event.check.row}, ${event.check.column}`;
      case 'run-finished':
        return `${event.type} ${event.exitCode}`;
      default:
        return event.type;
    }
  });
}
