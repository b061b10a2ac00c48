/** Fills `${…}` in. Pure: all that a text can refer to is in the context. */

import { HarnessError, type Place } from '../base/errors.ts';
import { isMap } from '../base/kube-object.ts';
import { hintFor } from '../base/suggest.ts';
import { type Expression, parseTemplate } from './template-parse.ts';
import type { Path } from './yaml/yaml-file.ts';

export { escapeTemplate, parseTemplate } from './template-parse.ts';

/**
 * What expressions can refer to, by name; maps are looked into with ".". `now` is the time in seconds since the epoch
 * (NumericDate of RFC 7519).
 */
export type TemplateContext = Readonly<Record<string, unknown>>;

/** In a map of the context: the value of the map itself, of which the others are parts. */
export const whole = Symbol('whole');

/** Where the value stands that is resolved, or a function that tells it for what is at a path within. */
export type PlaceOf = Place | ((path: Path) => Place | undefined) | undefined;

/** An expression, and where in the value it stands. `inKey` when it is in the last key of the path. */
export interface Reference {
  /** As it is written, such as `${issuers.sample.jwks}`. */
  readonly source: string;
  readonly path: Path;
  readonly inKey: boolean;
  /** Undefined when it cannot be understood; `problem` then says why. */
  readonly expression?: Expression;
  readonly problem?: { readonly message: string; readonly hint: string };
}

/**
 * A copy of the value in which every `${…}` is filled in, in keys too. A text that is nothing but one `${…}` becomes
 * the value itself, so that a number stays a number. What is filled in is not looked at again.
 *
 * @throws HarnessError `E_TEMPLATE` for an expression that cannot be understood or refers to nothing
 */
export function resolve<T>(value: T, context: TemplateContext, place?: PlaceOf): T {
  return resolveAt(value, context, place, []) as T;
}

function resolveAt(value: unknown, context: TemplateContext, place: PlaceOf, path: Path): unknown {
  if (typeof value === 'string') return resolveText(value, context, place, path);
  if (Array.isArray(value)) return value.map((item, i) => resolveAt(item, context, place, [...path, i]));
  if (typeof value !== 'object' || value === null) return value;
  // Object.fromEntries defines properties, so that a key such as __proto__ is a key like any other.
  const entries = Object.entries(value).map(([key, item]) => {
    const at = [...path, key];
    return [String(resolveText(key, context, place, at)), resolveAt(item, context, place, at)] as const;
  });
  const twice = keyTwice(entries);
  if (twice !== undefined) {
    throw new HarnessError('E_TEMPLATE', `the key "${twice}" is there twice once it is filled in`, {
      hint: 'Let the two keys differ.',
      place: placeAt(place, path),
    });
  }
  return Object.fromEntries(entries);
}

/** A key that several of the entries have; a map of them would lose all but one in silence. */
export function keyTwice(entries: readonly (readonly [key: string, unknown])[]): string | undefined {
  const seen = new Set<string>();
  return entries.find(([key]) => seen.size === seen.add(key).size)?.[0];
}

function resolveText(text: string, context: TemplateContext, place: PlaceOf, path: Path): unknown {
  if (!text.includes('${')) return text;
  const parts = parseTemplate(text);
  const values = parts.map((part) => {
    switch (part.kind) {
      case 'text':
        return part.text;
      case 'wrong':
        throw new HarnessError('E_TEMPLATE', part.message, { hint: part.hint, place: placeAt(place, path) });
      default: {
        const { value, problem } = lookUp(part.expression, part.source, context);
        if (problem === undefined) return value;
        const { message, hint } = problem;
        throw new HarnessError('E_TEMPLATE', message, { hint, place: placeAt(place, path) });
      }
    }
  });
  return values.length === 1 ? values[0] : values.map(String).join('');
}

function placeAt(place: PlaceOf, path: Path): Place | undefined {
  return typeof place === 'function' ? place(path) : place;
}

/** The value of an expression, or why it has none. */
export function lookUp(
  expression: Expression,
  source: string,
  context: TemplateContext,
): { value?: unknown; problem?: { message: string; hint: string } } {
  const names = expression.kind === 'now' ? ['now'] : expression.names;
  let value: unknown = context;
  for (const [index, name] of names.entries()) {
    const before = names.slice(0, index).join('.');
    if (!isMap(value)) {
      return {
        problem: {
          message: `${source}: ${before} is a value, there is nothing in it`,
          hint: `Write \${${before}}.`,
        },
      };
    }
    if (!Object.hasOwn(value, name)) {
      const message = `${source}: there is no "${name}"${before === '' ? '' : ` in ${before}`}`;
      return {
        problem: {
          message,
          hint: hintFor(name, Object.keys(value), `names ${before === '' ? 'known here' : `in ${before}`}`),
        },
      };
    }
    value = value[name];
  }
  if (isMap(value) && Object.hasOwn(value, whole)) return { value: (value as { [whole]?: unknown })[whole] };
  if (isMap(value)) {
    const available = Object.keys(value).join(', ') || 'nothing';
    const message = `${source} is not a value but a group of values`;
    return { problem: { message, hint: `Add "." and one of what is in it: ${available}.` } };
  }
  if (value === undefined) {
    return { problem: { message: `${source} has no value yet`, hint: 'It is not known at this point.' } };
  }
  return { value: expression.kind === 'now' ? Number(value) + expression.offset : value };
}

/** All expressions in a value, in its order; also those that cannot be understood. */
export function references(value: unknown, path: Path = []): Reference[] {
  if (typeof value === 'string') return inText(value, path, false);
  if (Array.isArray(value)) return value.flatMap((item, index) => references(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, key];
    return [...inText(key, at, true), ...references(item, at)];
  });
}

function inText(text: string, path: Path, inKey: boolean): Reference[] {
  if (!text.includes('${')) return [];
  return parseTemplate(text).flatMap((part): Reference[] => {
    if (part.kind === 'text') return [];
    const base = { source: part.source, path, inKey };
    return part.kind === 'wrong'
      ? [{ ...base, problem: { message: part.message, hint: part.hint } }]
      : [{ ...base, expression: part.expression }];
  });
}

/** Replaces only the expressions that are one of these names, such as `${row}`, and leaves the others as they are. */
export function substitute(text: string, known: Readonly<Record<string, string>>): string {
  if (!text.includes('${')) return text;
  return parseTemplate(text)
    .map((part) => {
      if (part.kind !== 'expression' || part.expression.kind !== 'name') return part.source;
      const [name, ...more] = part.expression.names;
      return more.length === 0 && Object.hasOwn(known, name!) ? known[name!]! : part.source;
    })
    .join('');
}
