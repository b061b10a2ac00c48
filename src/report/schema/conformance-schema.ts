/** The format of a conformance report; one document for each mesh. */
import * as z from 'zod';
import { checkState } from './check-schema.ts';

/** A group of our own, as no domain goes with the product. */
export const apiVersion = 'istio-jwt-e2e/v1';
export const kind = 'ConformanceReport';

const count = z.int().min(0);
const answer = z
  .union([z.int(), z.string()])
  .meta({ description: 'The status code, or what was answered in words.' });

const cell = z
  .union([answer, z.object({ state: checkState, answer: answer.optional(), expected: answer.optional() })])
  .meta({ id: 'Cell', description: 'The answer of a check that passed; else its state, too.' });

const explained = z.object({
  check: z.string(),
  expected: answer,
  answer: answer.optional(),
  reason: z.string(),
  until: z.string().optional(),
});

const grouped = z.object({ reason: z.string(), checks: z.array(z.string()) });

const profile = z
  .object({
    name: z.string(),
    result: z.enum(['success', 'partial', 'failure', 'inconclusive']).meta({
      description:
        'success: every check passed. partial: none failed, some were skipped or are known to fail. failure: a check failed. inconclusive: none failed, and some have no verdict or nothing was tested.',
    }),
    statistics: z.object({
      passed: count,
      failed: count,
      known: count,
      error: count,
      skipped: count,
      notRun: count,
    }),
    failed: z.array(explained).optional(),
    known: z.array(explained).optional().meta({ description: 'Failed, as the baseline file says.' }),
    error: z.array(grouped).optional().meta({ description: 'Checks without a verdict, by reason.' }),
    skipped: z.array(grouped).optional(),
    notRun: z
      .array(z.object({ scenario: z.string(), checks: count, reason: z.string() }))
      .optional()
      .meta({ description: 'Scenarios that ended before all their checks were made.' }),
  })
  .meta({ id: 'Profile' });

export const conformanceSchema = z
  .object({
    apiVersion: z.literal(apiVersion),
    kind: z.literal(kind),
    date: z.iso.date().meta({ description: 'The day of the run, in UTC.' }),
    toolVersion: z.string().meta({ description: 'Of istio-jwt-e2e.' }),
    state: z
      .enum(['finished', 'running', 'interrupted'])
      .meta({ description: 'Only what is finished can be relied on.' }),
    implementation: z.object({
      organization: z.string(),
      project: z.string(),
      url: z.string(),
      version: z.string().optional().meta({ description: 'Absent when there was no mesh.' }),
      asm: z.string().optional().meta({ description: 'The version of Alibaba ASM, when it is one.' }),
    }),
    environment: z.object({
      mesh: z.string(),
      target: z.string().optional(),
      envoy: z.string().optional(),
      kubernetes: z.string().optional(),
      fetch: z.string().optional().meta({ description: 'Who fetches keys where a scenario does not say.' }),
    }),
    problem: z
      .object({ code: z.string(), message: z.string() })
      .optional()
      .meta({ description: 'What kept the mesh from being tested.' }),
    profiles: z.array(profile),
    findings: z.array(z.object({ text: z.string(), checks: z.array(z.string()) })).meta({
      description: 'Where Istio does something else than the document says, and the scenario expects that.',
    }),
    answers: z
      .record(z.string(), z.record(z.string(), z.record(z.string(), z.record(z.string(), cell))))
      .meta({ description: 'Every check: scenario, step, row, column.' }),
  })
  .meta({ title: 'Conformance report of istio-jwt-e2e' });

export type ConformanceReport = z.output<typeof conformanceSchema>;
export type ConformanceProfile = ConformanceReport['profiles'][number];
