/**
 * The model of Istio's rules against the real thing: generated policies, tokens and requests, and no answer that is another
 * one. `MODEL_CASES` says how many requests, `MODEL_SEED` which ones, `MODEL_ENVOY` the
 * version of the proxies; `MODEL_RECORD` names a file for what was answered, of
 * which test/policy/real/answers.jsonl.gz is one. A difference is made small and written to reports/model as a scenario,
 * which belongs into test/policy/found.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Recorded } from '../../policy/real/answers.ts';
import { cases, requestsPerCase } from '../../policy/real/generate.ts';
import { type Single, scenarioOf, smallest } from '../../policy/real/smaller.ts';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { type Compared, ModelMesh } from './mesh.ts';

const wanted = Number(process.env.MODEL_CASES ?? 1_200);
const seed = Number(process.env.MODEL_SEED ?? 1);

describeOnLocal('the model of policies', () => {
  const mesh = new ModelMesh();
  beforeAll(async () => {
    if (haveLocal) await mesh.up();
  });
  afterAll(() => mesh.down());

  /** The scenario, and what the model says of it. */
  async function shown(found: Single): Promise<string> {
    const of = async ({ policies, request }: Single, patienceMs?: number) =>
      (await mesh.compare(policies, [request], patienceMs))?.[0];
    const differs = async (each: Single) => (await of(each, 5_000))?.difference !== undefined;
    const smaller = await smallest(found, differs);
    // What was seen in haste may have been an answer of the policies before.
    const least = (await of(smaller))?.difference === undefined ? found : smaller;
    const { real, difference } = (await of(least)) as Compared;
    const name = `model-${seed}-${Math.random().toString(36).slice(2, 7)}`;
    mkdirSync('reports/model', { recursive: true });
    writeFileSync(`reports/model/${name}.yaml`, scenarioOf(least, real, name));
    return `reports/model/${name}.yaml: ${JSON.stringify({ ...difference, policies: least.policies }, null, 1)}`;
  }

  test(`answers ${wanted} requests as istiod and Envoy do`, {
    timeout: 3_600_000 + wanted * 100,
  }, async () => {
    const count = Math.ceil(wanted / requestsPerCase);
    const found: string[] = [];
    const recorded: Recorded[] = [];
    let refused = 0;
    for (const { policies, requests } of fc.sample(cases, { seed, numRuns: count })) {
      const compared = await mesh.compare(policies, requests);
      if (compared === undefined) {
        refused++;
        continue;
      }
      recorded.push({ policies, requests, answers: compared.map(({ real }) => real) });
      const first = compared.find(({ difference }) => difference !== undefined);
      // The others of one set of policies mostly have the same cause.
      if (first !== undefined) found.push(await shown({ policies, request: first.plan }));
      if (found.length >= 5) break;
    }
    const asked = recorded.length * requestsPerCase;
    console.log(`${asked} requests, ${found.length} differences, ${refused} sets of policies refused`);
    if (process.env.MODEL_RECORD !== undefined) {
      const lines = recorded.map((each) => JSON.stringify(each)).join('\n');
      writeFileSync(process.env.MODEL_RECORD, gzipSync(lines));
    }
    expect(refused).toBeLessThan(count / 3);
    expect(found).toEqual([]);
  });
});
