import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { schemaCommand } from '../../../src/cli/commands/schema-command.ts';
import { recorder } from '../../scenario/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-schema-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const committed = readFileSync('schema/scenario.schema.json', 'utf8');

test('the committed schemas are up to date', () => {
  const { io, stderr } = recorder();
  expect(schemaCommand([], { check: true }, io)).toBe(0);
  expect(stderr()).toBe('');
});

test('the schema describes the format for editors', () => {
  const schema = JSON.parse(committed);
  expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
  expect(schema.required).toEqual(['name', 'title', 'steps']);
  expect(schema.additionalProperties).toBe(false);
  expect(
    schema.definitions.Step.properties.expect.$ref ?? schema.definitions.Step.properties.expect,
  ).toBeTruthy();
  expect(schema.properties.title.description).toBe('What must hold, in one sentence.');
  for (const [, ref] of committed.matchAll(/"\$ref": "#\/definitions\/(\w+)"/g)) {
    expect(Object.keys(schema.definitions)).toContain(ref);
  }
});

test('schema writes to stdout, writes files, and says which of them are out of date', () => {
  const { io, stdout, stderr } = recorder();
  expect(schemaCommand([], {}, io)).toBe(0);
  expect(stdout()).toBe(committed);
  expect(schemaCommand(['baseline'], { write: true, folder }, io)).toBe(0);
  expect(readdirSync(folder)).toEqual(['baseline.schema.json']);
  expect(schemaCommand(['baseline'], { check: true, folder }, io)).toBe(0);
  expect(schemaCommand([], { write: true, folder }, io)).toBe(0);
  expect(readFileSync(join(folder, 'scenario.schema.json'), 'utf8')).toBe(committed);
  expect(schemaCommand([], { check: true, folder }, io)).toBe(0);
  writeFileSync(join(folder, 'results.schema.json'), '{}');
  rmSync(join(folder, 'conformance.schema.json'));
  expect(schemaCommand([], { check: true, folder }, io)).toBe(1);
  expect(stderr()).toBe(
    'schema/results.schema.json is out of date\nschema/conformance.schema.json is out of date\n  hint: Run "jwt-e2e schema --write" and commit it.\n',
  );
  expect(schemaCommand(['scenario'], { check: true, folder }, io)).toBe(0);
});

test('to write and only to see cannot both be asked for', () => {
  const { io } = recorder();
  expect(() => schemaCommand([], { check: true, write: true, folder }, io)).toThrow('--check and --write');
});

test.each(['results', 'conformance', 'baseline'])('the schema of %s can be printed', (name) => {
  const { io, stdout } = recorder();
  expect(schemaCommand([name], {}, io)).toBe(0);
  expect(stdout()).toBe(readFileSync(`schema/${name}.schema.json`, 'utf8'));
});

test('a schema that is not there, and two to print, are wrong usage', () => {
  const { io } = recorder();
  expect(() => schemaCommand(['result'], {}, io)).toThrow(
    expect.objectContaining({
      code: 'E_USAGE',
      message: 'there is no schema "result"',
      hint: 'Did you mean "results"?',
    }),
  );
  expect(() => schemaCommand(['results', 'scenario'], {}, io)).toThrow(
    expect.objectContaining({ code: 'E_USAGE' }),
  );
});
