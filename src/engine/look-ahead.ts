/** Chooses the target, and says at once what is going to be done: before anything of it is loaded, started or fetched. */
import type { Event, Unstamped } from '../base/events.ts';
import { checksIn, expectedPlan } from '../plan/expected.ts';
import type { Versions } from '../programs/versions.ts';
import type { Values } from '../settings/settings.ts';
import { istioOf, keeping } from '../settings/typed.ts';
import { type Execution, tellOf } from './engine.ts';
import { type Choice, chooseTarget } from './targets/choose-target.ts';
import { meshVersions } from './targets/mesh-programs.ts';

type Outlook = Unstamped<Extract<Event, { type: 'outlook' }>>;

/**
 * The target of a run, which is told with what it will have to do.
 *
 * @throws HarnessError as {@link chooseTarget}
 */
export async function lookAhead({
  settings,
  scenarios,
  emit,
  signal,
}: Omit<Execution, 'keys'>): Promise<Choice> {
  const { values, versions, selection, repeat } = settings;
  const choice = await chooseTarget({ values, versions, signal });
  const [istio = versions.istio.default] = expectedIstio(choice, values, versions);
  const planned = expectedPlan(scenarios, istio, selection);
  const counts = { count: planned.scenarios.length * repeat, checks: checksIn(planned) * repeat };
  tellOf(
    settings,
    emit,
  )({
    ...outlookOf(choice, values, versions),
    scenarios: counts,
    aboutMs: aboutMs(choice, values, counts.checks),
  });
  return choice;
}

/** What is known of a mesh that is only to be set up. */
export function outlookOf(choice: Choice, values: Values, versions: Versions): Outlook {
  const { name: target, reason } = choice;
  const istio = expectedIstio(choice, values, versions);
  return { type: 'outlook', target, reason, istio, aboutMs: aboutMs(choice, values, 0) };
}

/** On local meshes it depends on which programs there are, and a cluster has what it has. */
function expectedIstio({ name }: Choice, values: Values, versions: Versions): string[] {
  const asked = meshVersions(values).flatMap(({ istio }) => istio ?? []);
  if (name !== 'kind') return name === 'local' ? asked : [];
  return [istioOf(values, versions)];
}

/**
 * Milliseconds, measured on two cores in November 2026, with all programs and images there: making a mesh, coming to one
 * that was kept, each check with its share of what is done for it, and the end.
 */
const measured = {
  kind: { make: 50_000, reuse: 3_000, check: 210, end: 3_000 },
  local: { make: 6_000, reuse: 1_000, check: 60, end: 1_000 },
} as const;

/** Undefined where it depends on what the user has, or on how many of several meshes fit at a time. */
function aboutMs({ name }: Choice, values: Values, checks: number): Outlook['aboutMs'] {
  if (name === 'cluster' || meshVersions(values).length > 1) return undefined;
  const { make, reuse, check, end } = measured[name];
  const mesh = keeping(values).reuse ? reuse : make;
  return { mesh, all: mesh + checks * check + end };
}
