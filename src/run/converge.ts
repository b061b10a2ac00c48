/**
 * Sends until the answers hold. The control plane is eventually consistent: an answer counts when the expected one came
 * `consecutive` times in a row; a different answer starts the count again.
 */
import type { Convergence } from '../events.ts';
import type { HttpRequest, HttpResponse, Origin, Target } from '../target/target.ts';
import { pause } from '../wait.ts';

export interface Probe {
  readonly request: HttpRequest;
  /** Undefined when the response is right, otherwise what is different. */
  readonly judge: (response: HttpResponse) => string | undefined;
}

export interface Outcome {
  readonly held: boolean;
  /** What is different in the last answer, when it does not hold. */
  readonly difference: string | undefined;
  readonly response: HttpResponse;
  readonly convergence: Convergence;
}

interface Track {
  readonly probe: Probe;
  streak: number;
  attempts: number;
  stale: number;
  firstRight: number | undefined;
  lastWrong: number | undefined;
  last: HttpResponse | undefined;
  difference: string | undefined;
}

export interface ConvergeOptions {
  readonly consecutive: number;
  readonly deadlineMs: number;
  readonly intervalMs: number;
  /** When the change was made that the answers are about; times are reported from here. */
  readonly since: number;
  readonly now?: () => number;
}

/**
 * Sends all requests of the probes from one origin, round after round in one go, until every one holds or the deadline
 * has passed. Outcomes are in the order of the probes.
 */
export async function converge(
  target: Pick<Target, 'send'>,
  origin: Origin,
  probes: readonly Probe[],
  options: ConvergeOptions,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const now = options.now ?? Date.now;
  const deadline = now() + options.deadlineMs;
  const tracks = probes.map(
    (probe): Track => ({
      probe,
      streak: 0,
      attempts: 0,
      stale: 0,
      firstRight: undefined,
      lastWrong: undefined,
      last: undefined,
      difference: undefined,
    }),
  );
  for (;;) {
    const pending = tracks.filter((track) => track.streak < options.consecutive);
    if (pending.length === 0) break;
    const rounds = await target.send(
      origin,
      pending.map((track) => track.probe.request),
      // Two more than needed: a proxy may still have one old connection per worker thread, each good for one old answer.
      options.consecutive + 2,
      signal,
    );
    for (const responses of rounds) {
      for (const [index, response] of responses.entries()) record(pending[index], response, options.since);
    }
    if (pending.every((track) => track.streak >= options.consecutive) || now() >= deadline) break;
    await pause(options.intervalMs, signal);
  }
  return tracks.map((track) => outcome(track, options.consecutive));
}

function record(track: Track | undefined, response: HttpResponse, since: number): void {
  if (track === undefined) return;
  const difference = track.probe.judge(response);
  track.attempts += 1;
  track.last = response;
  track.difference = difference;
  if (difference === undefined) {
    track.streak += 1;
    track.firstRight ??= Math.max(0, response.at - since);
  } else {
    track.streak = 0;
    track.stale += 1;
    track.lastWrong = Math.max(0, response.at - since);
  }
}

function outcome(track: Track, consecutive: number): Outcome {
  const last = track.last ?? {
    status: 0,
    headers: {},
    body: '',
    at: 0,
    durationMs: 0,
    error: 'nothing was sent',
  };
  const held = track.streak >= consecutive;
  return {
    held,
    difference: held
      ? undefined
      : (track.difference ?? 'the right answer did not come often enough in a row'),
    response: last,
    convergence: {
      attempts: track.attempts,
      firstRightMs: track.firstRight,
      lastWrongMs: track.lastWrong,
      stale: track.stale,
    },
  };
}
