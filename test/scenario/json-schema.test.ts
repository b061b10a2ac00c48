import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { schemaCommand } from '../../src/cli/commands/schema.ts';
import { schemaText } from '../../src/scenario/json-schema.ts';
import { recorder } from './support.ts';

const file = join(tmpdir(), `scenario-schema-${process.pid}.json`);
afterAll(() => rmSync(file, { force: true }));

test('the committed schema is up to date', () => {
  const { io, stderr } = recorder();
  expect(schemaCommand({ check: true }, io)).toBe(0);
  expect(stderr()).toBe('');
});

test('the schema describes the format for editors', () => {
  const schema = JSON.parse(schemaText());
  expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
  expect(schema.required).toEqual(['name', 'title', 'source', 'steps']);
  expect(schema.additionalProperties).toBe(false);
  expect(
    schema.definitions.Step.properties.expect.$ref ?? schema.definitions.Step.properties.expect,
  ).toBeTruthy();
  expect(schema.properties.title.description).toBe('What must hold, in one sentence.');
  for (const [, ref] of schemaText().matchAll(/"\$ref": "#\/definitions\/(\w+)"/g)) {
    expect(Object.keys(schema.definitions)).toContain(ref);
  }
});

test('schema writes to stdout, writes the file, and says when the file is out of date', () => {
  const { io, stdout, stderr } = recorder();
  expect(schemaCommand({}, io)).toBe(0);
  expect(stdout()).toBe(schemaText());
  expect(schemaCommand({ write: true, file }, io)).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(schemaText());
  expect(schemaCommand({ check: true, file }, io)).toBe(0);
  writeFileSync(file, '{}');
  expect(schemaCommand({ check: true, file }, io)).toBe(1);
  expect(stderr()).toContain('schema --write');
});
