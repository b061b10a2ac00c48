/** JSON schemas out of zod schemas, as they are published in schema/. */
import * as z from 'zod';

/**
 * The text of a file in schema/: JSON Schema draft 7, which YAML language servers understand.
 *
 * @param name of the file, which is its $id
 */
export function jsonSchemaText(schema: z.ZodType, name: string): string {
  const { $schema, title, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ $schema, $id: name, title, ...rest }, null, 2)}\n`;
}
