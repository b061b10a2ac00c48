/** The format of the baseline file: known deviations, each with a reason and an end date. */
import * as z from 'zod';
import { fetchMode, targetName as target } from '../scenario/format/schema-words.ts';
import { rangeMistake } from '../scenario/lint/ranges.ts';

const text = z.string().min(1, 'expected some text');

const entrySchema = z
  .strictObject({
    check: z
      .string()
      .regex(/[/*]/, 'expected the id of a check such as "require-jwt/a token is required/valid//headers"')
      .meta({
        description:
          'Id of the check as reports show it; "*" stands for any text, so "require-jwt/*" is a whole scenario.',
      }),
    istio: z
      .string()
      .refine(
        (range) => rangeMistake(range) === undefined,
        'expected a range that versions can be in, such as "<1.31"',
      )
      .optional()
      .meta({ description: 'Semver range of the Istio version; default: every version.' }),
    target: z
      .union([target, z.array(target).min(1)], {
        error: 'expected kind, cluster or local, or a list of these',
      })
      .optional()
      .meta({ description: 'Only on these targets; default: on all.' }),
    fetch: z
      .union([fetchMode, z.array(fetchMode).min(1)], {
        error: 'expected istiod, envoy or hybrid, or a list of these',
      })
      .optional()
      .meta({ description: 'Only when these fetch the keys; default: whoever does.' }),
    answer: z
      .union(
        [z.int().min(100).max(599), z.string().regex(/\D/, 'expected a status code without quotes, or text')],
        { error: 'expected a status code such as 401, or the answer as reports show it' },
      )
      .optional()
      .meta({
        description:
          'What the mesh answers instead: a status code, or the text that reports show, with "*" for any text. Another answer is a failure. Default: any answer.',
      }),
    reason: text.meta({ description: 'Why that is accepted, best with the address of an issue.' }),
    until: z.iso
      .date('expected a day such as 2027-01-31')
      .meta({ description: 'The last day for which that is accepted, such as 2027-01-31.' }),
  })
  .meta({ id: 'KnownDeviation', title: 'A check that is known to fail' });

export const baselineSchema = z
  .strictObject({
    known: z.array(entrySchema).meta({ description: 'What is known; an empty list when nothing is.' }),
  })
  .meta({ title: 'Known deviations, for --baseline' });
