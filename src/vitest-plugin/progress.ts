import type { Event, MeshFacts } from '../base/events.ts';

/** What to say about an event while tests wait: how the mesh is set up, what it is, and warnings. One line, or nothing. */
export function progressLine(event: Event): string | undefined {
  switch (event.type) {
    case 'phase-finished': {
      const note = event.note === undefined ? '' : `, ${event.note}`;
      return `[jwt-e2e] ${event.phase} (${(event.durationMs / 1000).toFixed(1)} s${note})`;
    }
    case 'outlook':
      return `[jwt-e2e] target ${event.target}: ${event.reason}`;
    case 'phase-failed':
      return `[jwt-e2e] ${event.phase}: ${event.problem.message}`;
    case 'warning':
      return `[jwt-e2e] warning: ${event.message}`;
    default:
      return undefined;
  }
}

/** What the mesh is. */
export function meshLine({ istio, target, envoy, kubernetes, reason }: MeshFacts): string {
  const more = [
    envoy === undefined ? [] : `Envoy ${envoy}`,
    kubernetes === undefined ? [] : `Kubernetes ${kubernetes}`,
  ].flat();
  return `[jwt-e2e] Istio ${istio} on ${target}${more.length === 0 ? '' : ` (${more.join(', ')})`}: ${reason}`;
}
