/**
 * Evaluates the expressions of workflow files: literals, contexts, `!`, `==`, `!=`, `&&`, `||`, parentheses and some
 * functions. https://docs.github.com/actions/reference/workflows-and-actions/expressions
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type Context = Readonly<Record<string, unknown>>;

const tokens =
  /\s*(?:(?<text>'(?:[^']|'')*')|(?<number>-?\d+(?:\.\d+)?)|(?<name>[A-Za-z_][\w-]*)|(?<sign>==|!=|&&|\|\||[!().,[\]]))/y;

interface Token {
  readonly kind: 'text' | 'number' | 'name' | 'sign' | 'end';
  readonly value: string;
}

/** How the steps before went; decides what success() and failure() say. */
const functions: Readonly<Record<string, (context: Context, ...given: unknown[]) => unknown>> = {
  always: () => true,
  cancelled: ({ status }) => status === 'cancelled',
  failure: ({ status }) => status === 'failure',
  success: ({ status = 'success' }) => status === 'success',
  fromJSON: (_, text) => JSON.parse(String(text)),
  // Of files by their names, which is all that the workflows need; patterns are no files, and fail.
  hashFiles: (_, ...names) => {
    const hash = createHash('sha256');
    for (const name of names) hash.update(readFileSync(String(name)));
    return hash.digest('hex');
  },
};

/** The value of an expression, without `${{` and `}}` around it. @throws Error for what this does not know */
export function evaluate(expression: string, context: Context): unknown {
  const queue = tokensOf(expression);
  const next = () => queue[0]?.value;
  const take = (): Token => queue.shift() ?? { kind: 'end', value: 'the end' };
  const expect = (sign: string) => {
    const { value } = take();
    if (value !== sign) throw new Error(`"${expression}": expected ${sign} instead of ${value}`);
  };
  const primary = (): unknown => {
    const { kind, value } = take();
    if (kind === 'text') return value.slice(1, -1).replaceAll("''", "'");
    if (kind === 'number') return Number(value);
    if (value === '!') return !truthy(primary());
    if (value === '(') {
      const inner = either();
      expect(')');
      return inner;
    }
    if (kind !== 'name') throw new Error(`"${expression}": ${value} is not expected there`);
    if (next() === '(') return call(value);
    if (value === 'true' || value === 'false') return value === 'true';
    return value === 'null' ? null : path(context[value] ?? null);
  };
  const call = (name: string): unknown => {
    const given: unknown[] = [];
    for (expect('('); next() !== ')'; ) {
      given.push(either());
      if (next() === ',') take();
    }
    expect(')');
    const work = functions[name];
    if (work === undefined) throw new Error(`"${expression}": there is no function ${name} here`);
    return path(work(context, ...given));
  };
  const path = (from: unknown): unknown => {
    let value = from;
    while (next() === '.' || next() === '[') {
      const isIndex = take().value === '[';
      const key = isIndex ? either() : take().value;
      if (isIndex) expect(']');
      value = (value as Record<string, unknown> | null)?.[String(key)] ?? null;
    }
    return value;
  };
  const same = (): unknown => {
    let value = primary();
    while (next() === '==' || next() === '!=')
      value = take().value === '==' ? equal(value, primary()) : !equal(value, primary());
    return value;
  };
  const both = (): unknown => {
    let value = same();
    while (next() === '&&') {
      take();
      const other = same();
      value = truthy(value) ? other : value;
    }
    return value;
  };
  const either = (): unknown => {
    let value = both();
    while (next() === '||') {
      take();
      const other = both();
      value = truthy(value) ? value : other;
    }
    return value;
  };
  const value = either();
  if (queue.length > 0) throw new Error(`"${expression}": ${next()} is left over`);
  return value;
}

function tokensOf(expression: string): Token[] {
  const found: Token[] = [];
  for (tokens.lastIndex = 0; expression.slice(tokens.lastIndex).trim() !== ''; ) {
    const at = tokens.lastIndex;
    const groups = tokens.exec(expression)?.groups;
    const [kind, value] = Object.entries(groups ?? {}).find(([, each]) => each !== undefined) ?? [];
    if (kind === undefined) throw new Error(`"${expression}": cannot read "${expression.slice(at)}"`);
    found.push({ kind: kind as Token['kind'], value: value ?? '' });
  }
  return found;
}

/** What counts as true in a condition. */
function truthy(value: unknown): boolean {
  return !(value === false || value === null || value === undefined || value === '' || value === 0);
}

/** Values of different types are compared as numbers; text without regard to case. */
function equal(one: unknown, other: unknown): boolean {
  if (typeof one === 'string' && typeof other === 'string') return one.toLowerCase() === other.toLowerCase();
  if (typeof one === typeof other && one !== null && other !== null) return one === other;
  return Number(one ?? 0) === Number(other ?? 0);
}

/** `text` with the values of its expressions in their places. */
export function fill(text: string, context: Context): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    String(evaluate(expression.trim(), context) ?? ''),
  );
}

/** Whether an `if:` holds. Without a status function in it, everything before must have succeeded. */
export function holds(condition: unknown, context: Context): boolean {
  const text = String(condition ?? 'true').replace(/^\s*\$\{\{(.*)\}\}\s*$/s, '$1');
  const value = truthy(evaluate(text, context));
  const asks = /\b(always|cancelled|failure|success)\s*\(/.test(text);
  return value && (asks || functions.success!(context) === true);
}
