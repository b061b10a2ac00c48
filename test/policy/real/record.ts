/** What a mesh has answered, kept by `MODEL_RECORD=test/policy/real/answers.jsonl.gz npm run test:model`. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { differenceOf, type Recorded, situationOf } from './answers.ts';
import { sentOf } from './tokens.ts';

const file = new URL('answers.jsonl.gz', import.meta.url);

/** @param enough differences, after which it stops */
export function differencesWithRecord(enough = 20): { asked: number; differences: object[] } {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n');
  let asked = 0;
  const differences: object[] = [];
  for (const line of lines) {
    const { policies, requests, answers } = JSON.parse(line) as Recorded;
    const situation = situationOf(policies);
    for (const [index, plan] of requests.entries()) {
      asked++;
      const difference = differenceOf(sentOf(plan), answers[index]!, situation);
      if (difference !== undefined) differences.push({ ...difference, policies });
      if (differences.length >= enough) return { asked, differences };
    }
  }
  return { asked, differences };
}
