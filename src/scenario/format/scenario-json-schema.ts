/** The JSON schema of scenario files, with which editors complete and check them. */
import * as z from 'zod';
import { scenarioSchema } from './schema.ts';

/** The text of schema/scenario.schema.json (JSON Schema draft 7, which YAML language servers understand). */
export function schemaText(): string {
  const schema = z.toJSONSchema(scenarioSchema, { io: 'input', target: 'draft-7' });
  const { $schema, title, ...rest } = schema;
  return `${JSON.stringify({ $schema, $id: 'scenario.schema.json', title, ...rest }, null, 2)}\n`;
}
