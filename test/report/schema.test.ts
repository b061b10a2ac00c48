import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, test } from 'vitest';
import type * as z from 'zod';
import { ResultModel } from '../../src/report/model.ts';
import type { RunResult } from '../../src/report/result.ts';
import { resultSchema } from '../../src/report/schema/result-schema.ts';
import * as runs from './runs.ts';

/** Read-only all the way down, and without intersections. */
type Plain<T> = T extends readonly unknown[]
  ? number extends T['length']
    ? readonly Plain<T[number]>[]
    : { readonly [Key in keyof T]: Plain<T[Key]> }
  : T extends object
    ? { readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

test('the schema and the type say the same, to the last field', () => {
  expectTypeOf<Plain<z.output<typeof resultSchema>>>().toEqualTypeOf<Plain<RunResult>>();
});

test.each(Object.entries(runs))('the schema takes what a run gives at any time: %s', (_, events) => {
  const model = new ResultModel();
  for (const event of events) {
    model.add(event);
    const written: unknown = JSON.parse(JSON.stringify(model.result()));
    const { error } = resultSchema.safeParse(written);
    expect(error?.issues).toBeUndefined();
    // Nothing is in the file that the schema does not know.
    expect(resultSchema.parse(written)).toEqual(written);
  }
});

test('the published schema names its file and what programs rely on', () => {
  const schema = JSON.parse(readFileSync('schema/results.schema.json', 'utf8'));
  expect(schema.$id).toBe('results.schema.json');
  expect(schema.properties.schemaVersion.const).toBe(1);
  expect(schema.definitions.Check.required).toEqual(
    expect.arrayContaining(['id', 'state', 'expected', 'durationMs']),
  );
  // A newer program of the same format may write more.
  expect(schema.additionalProperties).toBeUndefined();
});
