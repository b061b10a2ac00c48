/** `jwt-e2e schema`: the JSON schemas of what people write and programs read. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { exitCodes, HarnessError } from '../../base/errors.ts';
import { productRoot } from '../../base/files/product-files.ts';
import { hintFor } from '../../base/suggest.ts';
import { baselineSchema } from '../../engine/baseline-schema.ts';
import { conformanceSchema } from '../../report/schema/conformance-schema.ts';
import { resultSchema } from '../../report/schema/result-schema.ts';
import { scenarioSchema } from '../../scenario/format/schema.ts';
import { writtenStepSchema } from '../../scenario/format/schema-steps.ts';
import type { Output } from '../support/io.ts';

/** The committed copies, to which the first line of every scenario file points. */
const committed = join(productRoot, 'schema');

/** Each with its file in the folder and its text. */
const schemas: Readonly<Record<string, { readonly file: string; readonly text: () => string }>> = {
  // Keys of the author's own, such as for anchors.
  scenario: of('scenario.schema.json', writtenScenario, { patternProperties: { '^x-': true } }),
  results: of('results.schema.json', () => resultSchema),
  conformance: of('conformance.schema.json', () => conformanceSchema),
  baseline: of('baseline.schema.json', () => baselineSchema),
};

/** JSON Schema draft 7, which YAML language servers understand; the name of the file is its $id. */
function of(file: string, schema: () => z.ZodType, more: object = {}) {
  const text = () => {
    const { $schema, title, ...rest } = z.toJSONSchema(schema(), { io: 'input', target: 'draft-7' });
    return `${JSON.stringify({ $schema, $id: file, title, ...rest, ...more }, null, 2)}\n`;
  };
  return { file, text };
}

/** A scenario as it is written: what a step applies may be in other files. */
function writtenScenario(): z.ZodType {
  const { steps } = scenarioSchema.shape;
  const written = z
    .array(writtenStepSchema)
    .min(1)
    .meta(steps.meta() ?? {});
  return scenarioSchema.extend({ steps: written }).meta(scenarioSchema.meta() ?? {});
}

export interface SchemaOptions {
  /** Write the committed copies anew. */
  readonly write?: boolean | undefined;
  /** Only see whether the committed copies are up to date. */
  readonly check?: boolean | undefined;
  /** Where the committed copies are, when somewhere else. */
  readonly folder?: string | undefined;
}

/**
 * Writes a schema to `stdout`; or all of them, or the named ones, to their committed copies, or compares them with those.
 *
 * @param names scenario (default), results, conformance or baseline
 * @returns the exit code: 0, or 1 when a committed copy is out of date
 * @throws HarnessError E_USAGE for another name, more than one to print, or both of the options
 */
export function schemaCommand(names: readonly string[], options: SchemaOptions, io: Output): number {
  for (const name of names) {
    if (Object.hasOwn(schemas, name)) continue;
    const hint = hintFor(name, Object.keys(schemas), 'schemas');
    throw new HarnessError('E_USAGE', `there is no schema "${name}"`, { hint });
  }
  if (options.check === true && options.write === true) {
    throw new HarnessError('E_USAGE', '--check and --write are both given', {
      hint: 'Give --write to write the schemas, or --check to see whether they are up to date.',
    });
  }
  const folder = options.folder ?? committed;
  if (options.check === true || options.write === true) {
    const chosen = Object.entries(schemas).filter(([name]) => names.length === 0 || names.includes(name));
    const outdated = chosen.filter(([, { file, text }]) => read(join(folder, file)) !== text());
    if (options.check === true)
      return report(
        outdated.map(([, { file }]) => file),
        io,
      );
    for (const [, { file, text }] of outdated) writeFileSync(join(folder, file), text());
    return exitCodes.passed;
  }
  if (names.length > 1) {
    throw new HarnessError('E_USAGE', `${names.length} schemas are asked for, but one can be printed`, {
      hint: 'Name one of them, or write them to schema/ with --write.',
    });
  }
  io.stdout.write(schemas[names[0] ?? 'scenario']?.text() ?? '');
  return exitCodes.passed;
}

function report(outdated: readonly string[], io: Output): number {
  for (const file of outdated) io.stderr.write(`schema/${file} is out of date\n`);
  if (outdated.length === 0) return exitCodes.passed;
  io.stderr.write('  hint: Run "jwt-e2e schema --write" and commit it.\n');
  return exitCodes.failed;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
