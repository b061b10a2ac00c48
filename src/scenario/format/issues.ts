/** Turns what zod found into messages that say what to write instead. */
import type * as z from 'zod';
import { HarnessError } from '../../base/errors.ts';
import { hintFor, nearest } from '../../base/suggest.ts';
import { mistakeCode } from '../lint/mistakes.ts';
import type { Path, YamlFile } from '../yaml/yaml-file.ts';
import { descriptionAt, keysAt } from './shape.ts';

type Issue = z.core.$ZodIssue;

/** For `safeParse`: leaves messages empty that the schema does not give, so that they are made here. */
export const noMessage = (): string => '';

/**
 * The errors of a file, one for every mistake, in the order of the file.
 *
 * @param issues of `safeParse` with {@link noMessage}
 */
export function explainIssues(issues: readonly Issue[], root: z.ZodType, file: YamlFile): HarnessError[] {
  return issues.flatMap((issue) => explain(issue, [], root, file));
}

function explain(issue: Issue, prefix: Path, root: z.ZodType, file: YamlFile): HarnessError[] {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  const found = valueAt(file.data, path);
  const code = mistakeCode(path, issue.code === 'too_small');
  const error = (message: string, hint?: string) => [
    new HarnessError(code, message, { hint, place: file.place(path) }),
  ];
  const key = path.at(-1);

  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(root, path);
    return issue.keys.map((unknown) => {
      const place = file.keyPlace([...path, unknown]);
      // It is a key of another alternative.
      if (known.includes(unknown)) {
        const others = Object.keys(Object(found)).filter((name) => name !== unknown);
        const message = `"${unknown}" cannot stand beside ${others.map((name) => `"${name}"`).join(', ')}`;
        return new HarnessError('E_SCENARIO', message, { hint: 'Keep one of them.', place });
      }
      const hint = hintFor(unknown, known, 'keys');
      return new HarnessError('E_SCENARIO', `unknown key "${unknown}"`, { hint, place });
    });
  }
  if (found === undefined && issue.code !== 'invalid_key') {
    return error(`the key "${String(key)}" is missing`, missingHint(issue, descriptionAt(root, path)));
  }
  if (issue.code === 'invalid_union') {
    const meant = alternativeMeant(issue.errors, found);
    if (meant !== undefined) return meant.flatMap((inner) => explain(inner, path, root, file));
    return error(
      `${sentence(issue.message || 'something else is expected here')}, found ${describe(found)}`,
      unionHint(issue, found, path, root),
    );
  }
  if (found === null)
    return error(`"${String(key)}" has no value`, missingHint(issue, descriptionAt(root, path)) ?? remove);
  switch (issue.code) {
    case 'invalid_type':
      return error(
        `${sentence(issue.message || `expected ${typeName(issue.expected)}`)}, found ${describe(found)}`,
        typeHint(issue.expected, found),
      );
    case 'invalid_value': {
      const values = issue.values.map(String);
      const message = `expected ${values.length === 1 ? values[0] : `one of ${values.join(', ')}`}`;
      const near = typeof found === 'string' ? nearest(found, values) : undefined;
      return error(`${message}, found ${describe(found)}`, near && `Did you mean "${near}"?`);
    }
    default:
      return error(`${sentence(issue.message || 'this is not allowed here')}, found ${describe(found)}`);
  }
}

const remove = 'Write a value behind the colon, or remove the key.';

/**
 * The alternative of a union that was meant: the only one whose type fits, or the one with fewest mistakes.
 * Undefined when that cannot be told.
 */
function alternativeMeant(
  alternatives: readonly (readonly Issue[])[],
  found: unknown,
): readonly Issue[] | undefined {
  // One of some names is not meant by what is no name at all.
  const wrongType = ({ code, path }: Issue) =>
    path.length === 0 && (code === 'invalid_type' || (code === 'invalid_value' && typeof found !== 'string'));
  const fitting = alternatives.filter((issues) => !issues.some(wrongType));
  // One that has the keys which are there is meant, whatever is wrong within them.
  const foreign = (issues: readonly Issue[]) =>
    issues.filter(({ code, path }) => code === 'unrecognized_keys' && path.length === 0).length;
  const rank = (issues: readonly Issue[]) => foreign(issues) * 1000 + issues.length;
  const [first, second] = fitting.toSorted((a, b) => rank(a) - rank(b));
  if (first === undefined) return undefined;
  return second === undefined || rank(first) < rank(second) ? first : undefined;
}

function unionHint(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  found: unknown,
  path: Path,
  root: z.ZodType,
): string | undefined {
  if (typeof found === 'string') {
    const takesNumbers = issue.errors
      .flat()
      .some((inner) => inner.code === 'invalid_type' && typeName(inner.expected) === 'a whole number');
    if (takesNumbers && /^\d+$/.test(found)) return `Write the number without quotes: ${found}`;
    const allowed = issue.errors.flat().flatMap((inner) => {
      return inner.code === 'invalid_value' && inner.path.length === 0 ? inner.values.map(String) : [];
    });
    const near = nearest(found, allowed);
    return near && `Did you mean "${near}"?`;
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
  const known = keysAt(root, path);
  const unknown = Object.keys(found).find((name) => !known.includes(name));
  const near = unknown && nearest(unknown, known);
  return near && `Did you mean "${near}" instead of "${unknown}"?`;
}

/** What is known about the value that is missing; without an example, its type helps. */
function missingHint(issue: Issue, about: string | undefined): string | undefined {
  if (about?.includes(' Example: ') || issue.code !== 'invalid_type' || issue.expected === 'string')
    return about;
  const type = `It must be ${typeName(issue.expected)}.`;
  return about === undefined ? type : `${about} ${type}`;
}

function typeHint(expected: string, found: unknown): string | undefined {
  if (expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')) {
    // Of 1.20 only 1.2 is left, which would be another version.
    if (!Number.isInteger(Number(found))) return 'Put it in quotes, with all its digits.';
    return `Put it in quotes: "${found}"`;
  }
  const isNumber = expected === 'number' || expected === 'int';
  if (isNumber && typeof found === 'string' && /^\d+$/.test(found)) {
    return `Write the number without quotes: ${found}`;
  }
  if (expected === 'array' && typeof found !== 'object') return `Write a list: [${String(found)}]`;
  return undefined;
}

function typeName(expected: string): string {
  switch (expected) {
    case 'string':
      return 'text';
    case 'int':
    case 'number':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    default:
      return 'a map of keys and values';
  }
}

/** A value in a few words. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  if (typeof value !== 'string') return String(value);
  return `"${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
}

const sentence = (message: string) => message.replace(/\.$/, '');

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}
