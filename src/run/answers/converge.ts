/**
 * Sends until the answers hold. They count once the proxies are proven to have what was applied; from then on a wrong answer
 * after a right one comes from a connection that was open before and drains, or the mesh answers now so, now so.
 *
 * All checks of a step are judged by the same last rounds: what held once may not hold any more when another check shows
 * that the change has only just arrived.
 */
import type { Convergence } from '../../base/events.ts';
import { groupBy } from '../../base/group.ts';
import { timeouts } from '../../base/timeouts.ts';
import { type Clock, monotonic, together } from '../../base/wait.ts';
import type { HttpRequest, HttpResponse, Origin, Target } from '../../target/target.ts';

export interface Probe {
  readonly request: HttpRequest;
  /** Where it starts, if not where the others do. */
  readonly origin?: Origin | undefined;
  /** Undefined when the response is right, otherwise what is different. */
  readonly judge: (response: HttpResponse) => string | undefined;
}

export interface Outcome {
  readonly held: boolean;
  /** What is different, when it does not hold; undefined when the right answer is missing only for want of an answer. */
  readonly difference: string | undefined;
  /** How many requests were not answered, when that is why it does not hold. */
  readonly unanswered: number;
  /** The answer that is reported: the last one that is wrong, or the last one. */
  readonly response: HttpResponse;
  readonly convergence: Convergence;
}

interface Track {
  readonly probe: Probe;
  /** Right answers at the end. */
  streak: number;
  answers: number;
  right: number;
  /** Wrong answers after a right one. */
  relapses: number;
  /** How often a wrong answer came right after a right one, when old connections were gone. */
  lateRelapses: number;
  /** Wrong answers at the end. */
  wrongStreak: number;
  /** Requests without an answer since the last one that came. */
  unanswered: number;
  firstRight: number | undefined;
  lastWrong: number | undefined;
  last: HttpResponse | undefined;
  wrong: { readonly response: HttpResponse; readonly difference: string } | undefined;
}

export interface ConvergeOptions {
  /** How often in a row the expected answer must come at least. */
  readonly consecutive: number;
  /** Longest time for the answers to come, in milliseconds. */
  readonly deadlineMs: number;
  readonly intervalMs: number;
  /** When the change was made that the answers are about, in milliseconds since the epoch; times are reported from here. */
  readonly since: number;
  /**
   * Why one answer need not be like the next, such as that several pods answer. It takes many right answers in a row then;
   * so it does when nothing is said. `false`: nothing is known that leaves an answer to chance.
   */
  readonly varies?: string | false | undefined;
  /** How many right answers in a row are asked for at least where nothing varies. */
  readonly least?: number | undefined;
  /** Send once, whatever comes: the answers are shown, and do not count. */
  readonly once?: boolean | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * So many right answers in a row are asked for where answers may vary: one wrong answer in ten escapes then once in
 * 37,000 times (0.9 to the power of 100).
 */
export const manyAnswers = 100;
/** Where nothing is known to vary, and yet a wrong answer came after a right one, or a workload of the scenario answers. */
export const someAnswers = 30;
/**
 * For how long wrong answers may follow right ones, in milliseconds, and for how many answers at least. A listener that
 * drains closes its connections with their next answer, so each connection that the client's proxy keeps gives one.
 */
const drainMs = 5_000;
const drainAnswers = 20;
/** So many requests take less time than to send some more of them later. */
const fewRequests = 10;
/** How many rounds are sent at a time at most. */
const mostRounds = 25;
/** A request that takes longer is sent apart from the others, which would have to wait for it; milliseconds. */
const quickMs = 2_000;
/** How often a deadline is put off because requests were not answered. */
const mostExtensions = 3;

/**
 * Sends all requests of the probes from one origin, round after round in one go, until all of them hold in the same last
 * rounds or the deadline has passed. Outcomes are in the order of the probes.
 */
export async function converge(
  target: Pick<Target, 'send'>,
  origin: Origin,
  probes: readonly Probe[],
  options: ConvergeOptions,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const { clock = monotonic } = options;
  const started = clock.now();
  const elapsed = () => clock.now() - started;
  const tracks = probes.map(newTrack);
  const few = options.consecutive + 2;
  const limit = Math.max(1000, Math.min(timeouts.request, options.deadlineMs));
  const wanted = (track: Track) => needed(track, options);
  const slow = new Set<Track>();
  for (let extensions = 0; ; ) {
    const isLast = elapsed() >= options.deadlineMs;
    const quick = tracks.filter((track) => !slow.has(track));
    const left = Math.max(...quick.map((track) => wanted(track) - track.streak));
    const isClean = quick.every((track) => track.streak > 0);
    // One more than needed: an old connection is good for one old answer, and to send again costs more than a few requests.
    const first = options.once || quick.length > fewRequests ? few : few + 1;
    const rounds = isClean && !options.once ? Math.max(1, Math.min(mostRounds, left)) : first;
    const sender = { target, origin, since: options.since, isLate: () => elapsed() >= drainMs, signal };
    for (const track of await sendTogether(sender, quick, rounds, Math.min(quickMs, limit))) slow.add(track);
    const answered = await Promise.all([...slow].map((track) => sendApart(sender, track, few, limit)));
    for (const [index, track] of [...slow].entries()) if (answered[index]) slow.delete(track);
    if (options.once || tracks.every((track) => track.streak >= wanted(track) || alternates(track))) break;
    if (isLast && !tracks.some((track) => track.streak > 0 && track.streak < wanted(track))) {
      // The machine or a proxy has stalled: what comes right afterwards counts.
      if (extensions >= mostExtensions || !tracks.some(isStalled)) break;
      extensions += 1;
    }
    // What is right by now only needs more of the same.
    if (!tracks.every((track) => track.streak > 0)) await clock.pause(options.intervalMs, signal);
  }
  return tracks.map((track) => outcome(track, wanted(track), options));
}

function newTrack(probe: Probe): Track {
  return {
    probe,
    streak: 0,
    answers: 0,
    right: 0,
    relapses: 0,
    lateRelapses: 0,
    wrongStreak: 0,
    unanswered: 0,
    firstRight: undefined,
    lastWrong: undefined,
    last: undefined,
    wrong: undefined,
  };
}

/** How many right answers in a row are needed. */
function needed(
  { relapses, lateRelapses }: Track,
  { consecutive, varies, least = 0 }: ConvergeOptions,
): number {
  const few = Math.max(consecutive + 2, least);
  if (varies !== false || lateRelapses > 0) return Math.max(few, manyAnswers);
  return relapses > 0 ? Math.max(few, someAnswers) : few;
}

/** Connections from before are all gone, and still there are right and wrong answers; one may be an accident. */
function alternates({ lateRelapses }: Track): boolean {
  return lateRelapses > 1;
}

/** It was answered before, and is not now. */
function isStalled({ answers, unanswered }: Track): boolean {
  return answers > 0 && unanswered > 0;
}

interface Sender {
  readonly target: Pick<Target, 'send'>;
  readonly origin: Origin;
  readonly since: number;
  /** Whether old connections are gone. */
  readonly isLate: () => boolean;
  readonly signal: AbortSignal;
}

/** Sends some rounds of requests in one go. @returns those that were not answered at least once */
async function sendTogether(
  sender: Sender,
  tracks: readonly Track[],
  rounds: number,
  requestMs: number,
): Promise<Set<Track>> {
  const places = groupBy(tracks, ({ probe }) => JSON.stringify(probe.origin ?? sender.origin));
  const missing = await together(
    [...places.values()],
    (own, signal) =>
      sendFrom({ ...sender, origin: own[0]?.probe.origin ?? sender.origin, signal }, own, rounds, requestMs),
    sender.signal,
  );
  return new Set(missing.flat());
}

/** The same for requests that all start in one place. */
async function sendFrom(
  { target, origin, since, isLate, signal }: Sender,
  tracks: readonly Track[],
  rounds: number,
  requestMs: number,
): Promise<Track[]> {
  const missing: Track[] = [];
  const requests = tracks.map((track) => track.probe.request);
  // What hangs must not hold up the others for long, and a slow machine may take its time.
  const limit = { requestMs, allMs: Math.max(5 * requestMs, requests.length * rounds * 100) };
  for (const responses of await target.send(origin, requests, rounds, signal, limit)) {
    for (const [index, response] of responses.entries()) {
      const track = tracks[index];
      // Nothing was sent at all.
      if (track === undefined || (response.status === 0 && response.at === 0)) continue;
      record(track, response, since, isLate());
      if (response.status === 0) missing.push(track);
    }
  }
  return missing;
}

/** Sends one request alone, until it is not answered. @returns whether all were answered */
async function sendApart(sender: Sender, track: Track, times: number, requestMs: number): Promise<boolean> {
  for (let sent = 0; sent < times; sent++) {
    if ((await sendTogether(sender, [track], 1, requestMs)).size > 0) return false;
  }
  return true;
}

function record(track: Track, response: HttpResponse, since: number, isLate: boolean): void {
  track.last = response;
  if (response.status === 0) {
    track.streak = 0;
    track.unanswered += 1;
    return;
  }
  const difference = track.probe.judge(response);
  track.answers += 1;
  track.unanswered = 0;
  if (difference === undefined) {
    track.wrongStreak = 0;
    track.streak += 1;
    track.right += 1;
    track.firstRight ??= Math.max(0, response.at - since);
    return;
  }
  track.wrongStreak += 1;
  track.streak = 0;
  if (track.firstRight !== undefined) {
    track.relapses += 1;
    if (isLate && track.wrongStreak === 1 && track.answers > drainAnswers) track.lateRelapses += 1;
  }
  track.lastWrong = Math.max(0, response.at - since);
  track.wrong = { response, difference };
}

const nothing: HttpResponse = {
  status: 0,
  headers: {},
  body: '',
  at: 0,
  durationMs: 0,
  error: 'nothing was sent',
};

function outcome(track: Track, need: number, { once, consecutive }: ConvergeOptions): Outcome {
  const { streak, answers, right, unanswered, wrong, last = nothing } = track;
  const held = once
    ? right > 0 && right === answers && unanswered === 0
    : streak >= need && !alternates(track);
  const isWrong = !held && wrong !== undefined && unanswered === 0;
  return {
    held,
    difference: isWrong ? told(track, wrong.difference, consecutive) : undefined,
    unanswered,
    response: isWrong ? wrong.response : last,
    convergence: {
      attempts: answers,
      firstRightMs: track.firstRight,
      lastWrongMs: track.lastWrong,
      stale: answers - right,
      answers,
      right,
    },
  };
}

/** What is different, with the share of right answers when there were some. */
function told({ answers, right, wrongStreak }: Track, difference: string, consecutive: number): string {
  // What has changed for good is no alternation: right answers before came over connections from before.
  if (right === 0 || wrongStreak >= consecutive) return difference;
  return `answers alternate: ${right} of ${answers} were right; the last of the others was ${difference}`;
}
