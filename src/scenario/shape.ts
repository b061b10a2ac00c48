/** Looks into a zod schema: which keys are allowed at a place of the file. */
import type { z } from 'zod';
import type { Path } from './yaml-file.ts';

/** As much of zod's description of its schemas as is needed here. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

const definition = (schema: z.ZodType) => schema._zod.def as unknown as Definition;

/** The schemas that a value may have, with optional, default and union taken away. */
function plain(schema: z.ZodType): z.ZodType[] {
  const { innerType, options } = definition(schema);
  if (innerType !== undefined) return plain(innerType);
  if (options !== undefined) return options.flatMap(plain);
  return [schema];
}

function step(schema: z.ZodType, segment: string | number): z.ZodType[] {
  const { shape, catchall, element, valueType } = definition(schema);
  if (typeof segment === 'number') return element === undefined ? [] : plain(element);
  const next =
    shape !== undefined && Object.hasOwn(shape, segment) ? shape[segment] : (catchall ?? valueType);
  return next === undefined ? [] : plain(next);
}

/** The keys that a map at this path may have; of all alternatives where there are several. */
export function keysAt(root: z.ZodType, path: Path): string[] {
  let schemas = plain(root);
  for (const segment of path) schemas = schemas.flatMap((schema) => step(schema, segment));
  return [...new Set(schemas.flatMap((schema) => Object.keys(definition(schema).shape ?? {})))];
}
