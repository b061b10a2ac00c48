/** References of file formats, made from their JSON schemas: a section for each object, a row for each field. */
import { stringify } from 'yaml';
import type { Schema } from './examples.ts';
import { table } from './generated.ts';

/** Where an object stands in a file, such as `steps[].request`. */
type Paths = ReadonlyMap<string, readonly string[]>;

/** The sections of a format, those of the objects in the order in which a reader meets them. */
export function reference(schema: Schema): string {
  const paths = pathsOf(schema);
  const sections = [
    `## Scenario\n\nThe file itself.\n\n${fieldTable(schema, schema)}`,
    ...[...paths].map(([id, at]) => {
      const node = schema.definitions?.[id] as Schema;
      const stands = at.map((path) => `\`${path}\``).join(', ');
      const options = (node.anyOf ?? []).map((option) => `\n* ${typeOf(option, schema)}`);
      const alternatives = options.length === 0 ? '' : `\n\nOne of these:\n${options.join('')}`;
      const fields = fieldTable(node, schema);
      return `## ${words(id)}\n\n${node.title}. It stands at ${stands}.${alternatives}${fields === '' ? '' : `\n\n${fields}`}`;
    }),
  ];
  return sections.join('\n\n');
}

/** The fields of one object; empty when it has none. @param schema the whole, for what the object refers to */
export function fieldTable(node: Schema, schema: Schema): string {
  const rows = ownObjects(node).flatMap((each) => {
    const fields = Object.entries(each.properties ?? {});
    const others = each.properties === undefined ? undefined : each.additionalProperties;
    return [
      ...fields.map(([name, field]) =>
        row(`\`${name}\``, field, each.required?.includes(name) === true, schema),
      ),
      ...(typeof others === 'object' && !isAnything(others) ? [row('any other', others, false, schema)] : []),
    ];
  });
  if (rows.length === 0) return '';
  const head = ['Field', 'Value', 'What it is', 'Example'];
  const hasExamples = rows.some((cells) => cells[3] !== '');
  return hasExamples
    ? table(head, rows)
    : table(
        head.slice(0, 3),
        rows.map((cells) => cells.slice(0, 3)),
      );
}

function row(name: string, field: Schema, isRequired: boolean, schema: Schema): string[] {
  const filled = field.default === undefined ? '' : `; default ${code(field.default)}`;
  const { description, examples } = { ...schema.definitions?.[idOf(field) ?? ''], ...field };
  return [
    name,
    `${isRequired ? 'required; ' : ''}${typeOf(field, schema)}${filled}`,
    withCode(description ?? ''),
    (examples ?? []).map(code).join(' or '),
  ];
}

/** Every object that has a section, with the places where it can stand, by a walk through the schema. */
function pathsOf(schema: Schema): Paths {
  const found = new Map<string, string[]>();
  const visit = (node: Schema, path: string, above: readonly string[]): void => {
    const id = idOf(node);
    if (id !== undefined) {
      if (above.includes(id)) return;
      const known = found.get(id);
      if (known === undefined) found.set(id, [path]);
      else if (!known.includes(path)) known.push(path);
    }
    const real = id === undefined ? node : (schema.definitions?.[id] as Schema);
    const inside = id === undefined ? above : [...above, id];
    const join = (name: string) => (path === '' ? name : `${path}.${name}`);
    for (const [name, field] of Object.entries(real.properties ?? {})) visit(field, join(name), inside);
    for (const option of real.anyOf ?? []) visit(option, path, inside);
    if (real.items !== undefined) visit(real.items, `${path}[]`, inside);
    if (typeof real.additionalProperties === 'object') {
      visit(real.additionalProperties, join(real.properties === undefined ? 'NAME' : 'ROW'), inside);
    }
  };
  visit(schema, '', []);
  return found;
}

/** The object itself, and the alternatives of a union that have no section of their own. */
function ownObjects(node: Schema): Schema[] {
  const options = (node.anyOf ?? []).filter((option) => idOf(option) === undefined);
  return [node, ...options.filter(({ properties }) => properties !== undefined)];
}

/** A type in words, with links to the sections. */
export function typeOf(node: Schema, schema: Schema): string {
  const id = idOf(node);
  if (id !== undefined) return `[${words(id).toLowerCase()}](#${anchorOf(id)})`;
  if (node.const !== undefined) return code(node.const);
  if (node.enum !== undefined) return node.enum.map(code).join(', ');
  if (node.anyOf !== undefined) {
    // A text with a template in it is allowed for what has a fixed set of values; the page says so once.
    const options = node.anyOf.filter(({ pattern }) => pattern !== String.raw`\$\{`);
    return options.map((option) => typeOf(option, schema)).join(', or ');
  }
  if (node.type === 'array')
    return `list of ${node.items === undefined ? 'values' : typeOf(node.items, schema)}`;
  if (node.type === 'object') {
    if (node.properties !== undefined) return `\`{ ${Object.keys(node.properties).join(', ')}: … }\``;
    const { additionalProperties: value } = node;
    if (typeof value !== 'object' || isAnything(value)) return 'map from names to any value';
    return `map from ${mapKeys(node)} to ${typeOf(value, schema)}`;
  }
  if (node.type === 'integer') return `number from ${node.minimum} to ${node.maximum}`;
  if (node.type === 'boolean') return '`true` or `false`';
  if (node.format === 'uri') return 'URL';
  return 'text';
}

function mapKeys({ propertyNames }: Schema): string {
  return propertyNames?.enum === undefined ? 'names' : propertyNames.enum.map(code).join(', ');
}

const isAnything = (node: Schema | boolean) => typeof node === 'object' && Object.keys(node).length === 0;

/** The name of the definition that a node stands for; zod puts one with a description beside it into `allOf`. */
function idOf(node: Schema): string | undefined {
  const ref = node.$ref ?? (node.allOf?.length === 1 ? node.allOf[0]?.$ref : undefined);
  return ref?.replace('#/definitions/', '');
}

/** `KeyServer` as "Key server". */
const words = (id: string) => id.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const anchorOf = (id: string) => words(id).toLowerCase().replaceAll(' ', '-');

/** A value as inline code, in YAML on one line. */
function code(value: unknown): string {
  const text = stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true });
  return `\`${text.trim().replaceAll(/\n\s*/g, ' ')}\``;
}

/** What is no English in descriptions, as inline code: flags, templates, patterns, names of RFC 7519 and of Istio. */
function withCode(text: string): string {
  return text.replaceAll(
    /--[a-z][a-z-]*|\$\{\w+\}|(?<=\s)[*?](?=\s)|kind\/apps|\b(?:iss|kid|alg|typ|null|jwksUri)\b|\b[A-Z]+_[A-Z_]+\b/g,
    '`$&`',
  );
}
