/** The examples of the documentation as whole scenarios, and which fields of the format they show. */
import { parse, stringify } from 'yaml';
import type { Fence } from './markdown.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a part of a scenario is put into; its own keys count more. */
const base: Json = {
  name: 'example',
  title: 'An example of the documentation',
  source: { document: 'docs', section: 'example' },
  apps: ['httpbin', 'sleep'],
  issuers: { sample: { issuer: 'testing@secure.istio.io' }, stranger: { issuer: 'stranger@example.com' } },
  tokens: { valid: { issuer: 'sample', claims: { sub: 'somebody', exp: 4685989700 } } },
  steps: [
    {
      name: 'a step',
      from: 'sleep.foo',
      request: { url: 'http://httpbin.foo:8000' },
      expect: { columns: ['/headers'], 'no token': [200] },
    },
  ],
};

/** Maps in which the part adds entries; everything else it replaces. */
const added = new Set(['issuers', 'tokens', 'keyServers', 'lists']);

/** Where whoever follows the page saves an example, relative to the folder that they work in. */
export const savedAs = ({ info }: Fence): string | undefined =>
  /^yaml (?:scenario |baseline )?file=(\S+)$/.exec(info)?.[1];

/** The text of a scenario file: the example itself, or the base with the part in it. */
export function scenarioText({ info, text }: Fence): string {
  if (!info.startsWith('yaml part')) return text;
  const scenario = { ...base };
  for (const [key, value] of Object.entries(parse(text) as Json)) {
    scenario[key] = added.has(key) ? { ...(base[key] as Json), ...(value as Json) } : value;
  }
  return stringify(scenario);
}

/** What is used here of a JSON schema. */
export interface Schema extends Json {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly propertyNames?: Schema;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** `What.field` for every field of the format, by walking through the schema. */
export function allFields(schema: Schema): Set<string> {
  const found = new Set<string>();
  const seen = new Set<Schema>();
  const visit = (given: Schema, what: string): void => {
    const node = resolved(given, schema);
    if (seen.has(node)) return;
    seen.add(node);
    const name = node.title ?? what;
    for (const [key, value] of Object.entries(node.properties ?? {})) {
      found.add(`${name}.${key}`);
      visit(value, `${name}.${key}`);
    }
    for (const next of [...alternatives(node), node.items, node.additionalProperties]) {
      if (typeof next === 'object') visit(next, name);
    }
  };
  visit(schema, '');
  return found;
}

/** The fields that a value has, by the names of {@link allFields}. */
export function usedFields(value: unknown, schema: Schema): Set<string> {
  const found = new Set<string>();
  const visit = (at: unknown, given: Schema, what: string): void => {
    const node = resolved(given, schema);
    const name = node.title ?? what;
    for (const option of alternatives(node)) visit(at, option, name);
    if (Array.isArray(at)) {
      if (node.items !== undefined) for (const each of at) visit(each, node.items, name);
    } else if (typeof at === 'object' && at !== null) {
      for (const [key, each] of Object.entries(at)) {
        const property = node.properties?.[key];
        if (property !== undefined) {
          found.add(`${name}.${key}`);
          visit(each, property, `${name}.${key}`);
        } else if (typeof node.additionalProperties === 'object')
          visit(each, node.additionalProperties, name);
      }
    }
  };
  visit(value, schema, '');
  return found;
}

const alternatives = ({ anyOf = [], allOf = [] }: Schema) => [...anyOf, ...allOf];

function resolved(node: Schema, schema: Schema): Schema {
  if (node.$ref === undefined) return node;
  const path = node.$ref.replace(/^#\//, '').split('/');
  return path.reduce<Json>((at, name) => at[name] as Json, schema) as Schema;
}
