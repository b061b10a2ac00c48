/** The first lines of a run: what is going to be done, where and why, and about how long that takes. */
import type { Event } from '../../base/events.ts';
import { oneLine } from '../../base/harmless.ts';
import { plural } from '../text.ts';
import type { Colors } from './terminal.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

export function outlookLines(event: Of<'outlook'>, { bold, dim }: Colors): string[] {
  const { target, reason, istio, scenarios, aboutMs } = event;
  const versions = istio.length === 0 ? '' : `, Istio ${istio.join(' and ')}`;
  const size =
    scenarios === undefined
      ? []
      : [`${plural(scenarios.checks, 'check')} in ${plural(scenarios.count, 'scenario')}`];
  const time =
    aboutMs === undefined
      ? []
      : scenarios === undefined
        ? [`about ${about(aboutMs.mesh)} until the mesh is there`]
        : [
            `about ${about(aboutMs.mesh)} until the mesh is there, ${about(aboutMs.all)} in all, when nothing has to be fetched`,
          ];
  const more = [...size, ...time].join('; ');
  return [
    `${bold(oneLine(`Target ${target}${versions}`))} ${dim(oneLine(`(${reason})`))}`,
    ...(more === '' ? [] : [dim(`  ${more}`)]),
  ];
}

/** Programs that come from the same place are named together. */
export function programLines({ mesh, origins }: Of<'programs'>, { dim }: Colors): string[] {
  const byOrigin = new Map<string, string[]>();
  for (const [program, origin] of Object.entries(origins)) {
    byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), program]);
  }
  const about = mesh === undefined ? '' : `${mesh}: `;
  return [...byOrigin].map(
    ([origin, programs]) => `  ${dim(oneLine(`${about}programs: ${programs.join(', ')} (${origin})`))}`,
  );
}

/** Nobody is to take it for a promise: `5 s`, `40 s`, `2 min`. */
function about(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 10) return `${seconds} s`;
  return seconds < 90 ? `${Math.round(seconds / 5) * 5} s` : `${Math.round(seconds / 60)} min`;
}
