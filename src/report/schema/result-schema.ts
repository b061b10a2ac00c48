/** The format of results.json. test/report/schema.test.ts holds it to the type RunResult. */
import * as z from 'zod';
import { checkResult, checkState, meshFacts, place, problem, scenarioInfo, source } from './check-schema.ts';

const ms = z.number().meta({ description: 'Milliseconds.' });
const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

const phase = z
  .object({
    phase: z.string(),
    mesh: z.string().optional(),
    state: z.enum(['running', 'passed', 'failed']),
    durationMs: ms,
    note: z.string().optional(),
    problem: problem.optional(),
  })
  .meta({ id: 'Phase', description: 'Something that took time before or after the scenarios.' });

const manifest = z.object({ object: z.string(), yaml: z.string() }).meta({ id: 'Manifest' });

const selection = z
  .object({
    workloads: z.array(z.string()).meta({ description: 'namespace/name; those that decide first.' }),
    policies: z.array(
      z.object({
        policy: z.string(),
        action: z.string().optional(),
        scope: z.enum(['namespace', 'mesh']).optional(),
        workloads: z.array(z.string()),
        idle: z.string().optional().meta({ description: 'Why it holds for none.' }),
      }),
    ),
    omitted: z.number().optional(),
  })
  .meta({ id: 'Selection', description: 'Which policies hold for which workloads.' });

const step = z
  .object({
    name: z.string(),
    objects: z.array(z.string()).meta({ description: 'Kind namespace/name of what was applied or deleted.' }),
    manifests: z.array(manifest).optional(),
    warnings: z.array(z.string()),
    selection: selection.optional(),
    heldMs: ms.optional(),
    proof: z.string().optional(),
  })
  .meta({ id: 'Step' });

const mutation = z
  .object({
    noticed: z.number(),
    survived: z.number(),
    equivalent: z.number().meta({ description: 'Not counted: they change no answer to any request.' }),
    undecided: z.number(),
    survivors: z.array(
      z.object({
        policy: z.string(),
        change: z.string(),
        place,
        request: z.string(),
        answer: z.string(),
        mistaken: z.string(),
      }),
    ),
  })
  .meta({ id: 'Mutation', description: 'Mistakes in the policies, and whether checks would notice them.' });

const scenario = z
  .object({
    info: scenarioInfo,
    state: z.enum([...checkState.options, 'planned', 'running']),
    startedAt: time.optional(),
    durationMs: ms,
    planned: z.number().meta({ description: 'Checks in the plan.' }),
    notRun: z.number().meta({ description: 'How many of them have no result.' }),
    problem: problem.optional(),
    steps: z.array(step),
    checks: z.array(checkResult),
    mutation: mutation.optional(),
  })
  .meta({ id: 'Scenario' });

const counts = z
  .object({
    passed: z.number(),
    failed: z.number(),
    known: z.number().optional(),
    error: z.number(),
    skipped: z.number(),
    notRun: z.number(),
  })
  .meta({ id: 'Counts', description: 'How many checks came out how.' });

const difference = z
  .object({
    scenario: z.string(),
    check: z.string(),
    answers: z.array(z.object({ mesh: z.string(), state: checkState, status: z.number().optional() })),
  })
  .meta({ id: 'Difference', description: 'A check that came out differently on the meshes of a run.' });

const unproven = z
  .object({
    reason: z.string().meta({ description: 'Why checks were skipped, and what would prove it.' }),
    checks: z.array(z.string()),
    promises: z.array(
      source.extend({
        inPart: z.boolean().meta({ description: 'Other checks of the section have passed.' }),
      }),
    ),
  })
  .meta({ id: 'Unproven', description: 'Promises that are not proven for one reason.' });

export const resultSchema = z
  .object({
    schemaVersion: z.literal(1).meta({ description: 'Grows with every change that breaks readers.' }),
    run: z.object({
      id: z.string(),
      version: z.string().meta({ description: 'Of istio-jwt-e2e.' }),
      startedAt: time,
      durationMs: ms,
      state: z
        .enum(['running', 'finished', 'interrupted'])
        .meta({ description: 'running in a file that is left behind: the run was killed.' }),
      meshes: z.array(z.string()).optional(),
      shard: z
        .object({ index: z.number(), count: z.number() })
        .optional()
        .meta({ description: 'Which part of a run it is, from 1; absent for a whole one.' }),
      problem: problem.optional(),
    }),
    meshes: z.array(meshFacts),
    failedMeshes: z.array(z.object({ mesh: z.string(), problem })),
    phases: z.array(phase),
    scenarios: z.array(scenario),
    counts,
    findings: z.array(z.object({ text: z.string(), checks: z.array(z.string()) })),
    unproven: z
      .array(unproven)
      .optional()
      .meta({ description: 'What skipped checks leave unproven; reports of earlier versions have it not.' }),
    differences: z.array(difference),
    flaky: z
      .array(z.object({ mesh: z.string(), check: z.string(), runs: z.number(), passed: z.number() }))
      .optional()
      .meta({
        description: 'Checks that did not always come out the same; absent when nothing was repeated.',
      }),
    warnings: z.array(
      z.object({ message: z.string(), mesh: z.string().optional(), place: place.optional() }),
    ),
    exitCode: z.number().nullable().meta({ description: 'null while the run has not finished.' }),
  })
  .meta({ title: 'Results of a run of istio-jwt-e2e' });
