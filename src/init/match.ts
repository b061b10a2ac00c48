/** What follows when not everything is known about a request, and texts that patterns of policies match. */

/** Whether something holds. When that is not sure, `doubts` say what it depends on, and `holds` is a guess. */
export interface Truth {
  readonly holds: boolean;
  readonly doubts: readonly string[];
}

export const yes: Truth = { holds: true, doubts: [] };
export const no: Truth = { holds: false, doubts: [] };

export function sure(holds: boolean): Truth {
  return holds ? yes : no;
}

/** A guess. */
export function perhaps(holds: boolean, doubt: string): Truth {
  return { holds, doubts: [doubt] };
}

/** All hold. One that surely does not decides. */
export function allOf(truths: readonly Truth[]): Truth {
  if (truths.some(({ holds, doubts }) => !holds && doubts.length === 0)) return no;
  return { holds: truths.every(({ holds }) => holds), doubts: truths.flatMap(({ doubts }) => doubts) };
}

/** Any holds. One that surely does decides. */
export function anyOf(truths: readonly Truth[]): Truth {
  if (truths.some(({ holds, doubts }) => holds && doubts.length === 0)) return yes;
  return { holds: truths.some(({ holds }) => holds), doubts: truths.flatMap(({ doubts }) => doubts) };
}

export function not({ holds, doubts }: Truth): Truth {
  return { holds: !holds, doubts };
}

/** A path that the pattern matches: of `/api*` it is `/api/x`. */
export function pathFor(pattern: string): string {
  const path = pattern
    .replaceAll(/\{\*\*?\}/g, 'x')
    .replace(/([^/*])\*$/, '$1/x')
    .replaceAll('*', 'x');
  return path.startsWith('/') ? path : `/${path}`;
}

/** A text that the pattern matches. */
export function textFor(pattern: string): string {
  return pattern === '*' ? 'x' : pattern.replaceAll('*', 'x');
}
