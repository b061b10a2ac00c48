/** docs/scenario-reference.md says what the schema says, and what the schema gives as an example is right. */
import { expect, test } from 'vitest';
import * as z from 'zod';
import { allFields, type Schema } from './examples.ts';
import { partOf } from './generated.ts';
import { read } from './markdown.ts';
import { reference, typeOf } from './reference.ts';

const schema = JSON.parse(read('schema/scenario.schema.json')) as Schema;

test('the page has every field of the format', () => {
  const wanted = reference(schema);
  expect(partOf('docs/scenario-reference.md', 'fields', wanted)).toBe(wanted);
  const names = new Set([...allFields(schema)].map((field) => field.split('.').at(-1)));
  const shown = new Set([...wanted.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
  expect(shown).toEqual(names);
});

/** The objects of the format with a name each. */
const objects: [string, Schema][] = [['Scenario', schema], ...Object.entries(schema.definitions ?? {})];
const fields = objects.flatMap(([object, { properties = {}, anyOf = [] }]) =>
  [properties, ...anyOf.map((option) => option.properties ?? {})].flatMap((each) =>
    Object.entries(each).map(([name, field]) => ({ where: `${object}.${name}`, field })),
  ),
);

test('every field says what it is, and has an example', () => {
  expect(fields.length).toBeGreaterThan(80);
  const about = (field: Schema) => ({
    ...(field.$ref === undefined ? {} : schema.definitions?.[field.$ref.split('/').at(-1) ?? '']),
    ...field,
  });
  const lacking = fields.filter(({ field }) => {
    const { description, examples } = about(field);
    return !/^\S.*\.$/.test(description ?? '') || (examples ?? []).length === 0;
  });
  expect(lacking.map(({ where }) => where)).toEqual([]);
});

test('every example is what the schema allows', () => {
  const { $schema, definitions } = schema;
  const wrong = fields.flatMap(({ where, field }) => {
    const whole = { ...field, $schema, definitions };
    const parser = z.fromJSONSchema(whole as unknown as Parameters<typeof z.fromJSONSchema>[0]);
    return (field.examples ?? []).flatMap((example) => {
      const { error } = parser.safeParse(example);
      return error === undefined ? [] : [`${where}: ${JSON.stringify(example)}: ${error.message}`];
    });
  });
  expect(wrong).toEqual([]);
});

test.each<[Schema, string]>([
  [{ type: 'array', items: { type: 'string' } }, 'list of text'],
  [{ enum: ['a', 'b'] }, '`a`, `b`'],
  [{ allOf: [{ $ref: '#/definitions/KeyServer' }], description: 'x' }, '[key server](#key-server)'],
  [{ type: 'object', additionalProperties: {} }, 'map from names to any value'],
])('%j is "%s"', (node, words) => {
  expect(typeOf(node, schema)).toBe(words);
});
