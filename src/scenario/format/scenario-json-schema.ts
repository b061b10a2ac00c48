/** The JSON schema of scenario files, with which editors complete and check them. */
import * as z from 'zod';
import { scenarioSchema } from './schema.ts';
import { writtenStepSchema } from './schema-steps.ts';

/** The text of schema/scenario.schema.json (JSON Schema draft 7, which YAML language servers understand). */
export function schemaText(): string {
  const { steps } = scenarioSchema.shape;
  const written = scenarioSchema
    .extend({
      steps: z
        .array(writtenStepSchema)
        .min(1)
        .meta(steps.meta() ?? {}),
    })
    .meta(scenarioSchema.meta() ?? {});
  const schema = z.toJSONSchema(written, { io: 'input', target: 'draft-7' });
  const { $schema, title, ...rest } = schema;
  // Keys of the author's own, such as for anchors.
  const own = { patternProperties: { '^x-': true } };
  return `${JSON.stringify({ $schema, $id: 'scenario.schema.json', title, ...rest, ...own }, null, 2)}\n`;
}
