/** The parts of results.json that events carry: meshes, scenarios and checks. */
import * as z from 'zod';
import type { ErrorCode } from '../../base/errors.ts';

const ms = z.number().meta({ description: 'Milliseconds.' });

/** Any code, so that a newer program can have one more: a list would make older readers refuse its files. */
const errorCode = z
  .string()
  .regex(/^E_[A-Z]+(_[A-Z]+)*$/)
  .meta({
    description: 'What kind of problem it is; docs/troubleshooting.md has them all.',
  }) as z.ZodType as z.ZodType<ErrorCode>;

const fetchMode = z.enum(['istiod', 'envoy', 'hybrid']).meta({ description: 'Who fetches the keys.' });

export const checkState = z
  .enum(['passed', 'failed', 'known', 'error', 'skipped'])
  .meta({ description: 'known: failed, as the baseline file says; error: no verdict was possible.' });

export const place = z
  .object({ file: z.string(), line: z.number(), column: z.number() })
  .meta({ id: 'Place', description: 'Where in a scenario file; line and column start at 1.' });

export const source = z
  .object({ document: z.string(), section: z.string(), url: z.string().optional() })
  .meta({ id: 'Source', description: 'The document that makes the promise; empty where none does.' });

export const problem = z
  .object({
    code: errorCode,
    message: z.string(),
    hint: z.string().optional(),
    place: place.optional(),
    details: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'A failure of something other than a verdict.' });

export const meshFacts = z
  .object({
    id: z.string().meta({ description: 'Tells the meshes of a run apart.' }),
    target: z.string().meta({ description: 'kind, cluster or local.' }),
    reason: z.string().meta({ description: 'Why this target was taken.' }),
    istio: z.string(),
    envoy: z.string().optional(),
    kubernetes: z.string().optional(),
    asm: z.string().optional(),
    fetch: fetchMode,
    ownKeyServer: z
      .string()
      .optional()
      .meta({ description: 'Address of a key server of the user, in place of one of this tool.' }),
    details: z.record(z.string(), z.string()).exactOptional(),
  })
  .meta({ id: 'Mesh', description: 'What was tested.' });

export const scenarioInfo = z
  .object({
    id: z.string().meta({ description: 'The name, with @mode and #repetition where there are several.' }),
    name: z.string(),
    title: z.string(),
    mesh: z.string().meta({ description: 'The id of its mesh.' }),
    profile: z.string(),
    fetch: fetchMode.optional(),
    settings: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'Mesh settings and variables of istiod that it asks for, by name.' }),
    source,
    tags: z.array(z.string()),
    place,
    repeat: z.number().optional().meta({ description: 'Which time it ran, from 1.' }),
  })
  .meta({ id: 'ScenarioInfo' });

const token = z
  .object({
    name: z.string(),
    header: z.unknown().optional(),
    claims: z.unknown().optional(),
    raw: z.string().optional().meta({ description: 'What was sent, when it is no token.' }),
  })
  .meta({ id: 'Token', description: 'Header and claims of a token, without its signature.' });

const request = z
  .object({
    curl: z.string(),
    method: z.string(),
    url: z.string(),
    headers: z.array(z.tuple([z.string(), z.string()])),
    token: token.optional(),
  })
  .meta({ id: 'Request' });

const response = z
  .object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() })
  .meta({ id: 'Response' });

const convergence = z
  .object({
    attempts: z.number(),
    firstRightMs: ms.optional(),
    lastWrongMs: ms.optional(),
    stale: z.number().meta({
      description: 'Wrong answers. Those before the first right one came from the configuration before.',
    }),
    answers: z.number().optional().meta({
      description: 'Answers since it was proven that the proxies have what was declared.',
    }),
    right: z.number().optional().meta({ description: 'How many of these were right.' }),
    limitMs: ms.optional().meta({
      description: 'Longest time until answers are right for good, where the scenario says one.',
    }),
  })
  .meta({ id: 'Convergence', description: 'How a check came to its answer; times since the change.' });

const evidenceText = z
  .object({ name: z.string(), text: z.string(), omitted: z.number().optional() })
  .meta({ id: 'EvidenceText', description: 'A file that explains a check, or a part of it.' });

export const checkResult = z
  .object({
    id: z.string().meta({ description: 'Stable across runs: scenario/step/row/column.' }),
    kind: z.enum(['request', 'apply', 'fetched']),
    scenario: z.string(),
    fetch: fetchMode.optional(),
    step: z.string(),
    row: z.string(),
    column: z.string(),
    source,
    place,
    state: checkState,
    expected: z.string(),
    actual: z.string().optional(),
    message: z.string().optional(),
    hint: z.string().optional(),
    code: errorCode.optional(),
    finding: z.string().optional(),
    request: request.optional(),
    response: response.optional(),
    convergence: convergence.optional(),
    proof: z.string().optional(),
    evidence: z.string().optional().meta({ description: 'Folder, relative to the artifacts folder.' }),
    evidenceFiles: z.array(evidenceText).optional(),
    known: z.object({ reason: z.string(), until: z.string() }).optional(),
    durationMs: ms,
  })
  .meta({ id: 'Check' });
