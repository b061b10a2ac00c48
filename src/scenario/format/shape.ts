/** Looks into a zod schema: which keys are allowed at a place of the file. */
import { stringify } from 'yaml';
import type * as z from 'zod';
import type { Path } from '../yaml/yaml-file.ts';

/** As much of zod's description of its schemas as is needed here. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType;
  readonly element?: z.ZodType;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly entries?: Readonly<Record<string, unknown>>;
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
  return [...new Set(mapsAt(root, path).flatMap((shape) => Object.keys(shape)))];
}

/** What the schema says about the value at this path, with an example when that is short. */
export function descriptionAt(root: z.ZodType, path: Path): string | undefined {
  const key = path.at(-1);
  if (typeof key !== 'string') return undefined;
  const [schema] = mapsAt(root, path.slice(0, -1)).flatMap((shape) =>
    // A key may be called as what every object has, such as "constructor".
    Object.hasOwn(shape, key) ? (shape[key] ?? []) : [],
  );
  const { description, examples } = schema?.meta() ?? {};
  if (description === undefined) return schema && plain(schema)[0]?.description;
  const [example] = (examples ?? []) as readonly unknown[];
  const shown = example === undefined ? '' : stringify(example, { collectionStyle: 'flow', lineWidth: 0 });
  return shown === '' || shown.length > longestExample
    ? description
    : `${description} Example: ${shown.trim()}`;
}

/** In characters; what is longer is better read in the reference. */
const longestExample = 70;

function mapsAt(root: z.ZodType, path: Path): Readonly<Record<string, z.ZodType>>[] {
  let schemas = plain(root);
  for (const segment of path) schemas = schemas.flatMap((schema) => step(schema, segment));
  return schemas.map((schema) => {
    const { shape, keyType, valueType } = definition(schema);
    if (shape !== undefined) return shape;
    const names = keyType === undefined ? {} : (definition(keyType).entries ?? {});
    return valueType === undefined
      ? {}
      : Object.fromEntries(Object.keys(names).map((name) => [name, valueType]));
  });
}
