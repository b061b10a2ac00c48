/** Answers of several rounds of the same requests, and what stands in for those that never came. */
import type { HttpResponse } from './target.ts';

/** What was not sent, because the requests before took all the time that there was. */
const notSent: HttpResponse = {
  status: 0,
  headers: {},
  body: '',
  at: 0,
  durationMs: 0,
  error: 'it was not sent, because the requests before it took all the time that there was',
};

/** result[round][request]: the first round is filled up, and later ones that are not complete are left out. */
export function inRounds(answers: readonly HttpResponse[], requests: number): HttpResponse[][] {
  const rounds: HttpResponse[][] = [];
  for (let start = 0; start + requests <= Math.max(answers.length, requests); start += requests) {
    const round = answers.slice(start, start + requests);
    rounds.push([...round, ...Array.from({ length: requests - round.length }, () => notSent)]);
  }
  return rounds;
}
