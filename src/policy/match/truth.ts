/** Logic of three values, after Kleene: what cannot be known here is `undefined`, and never taken for true or false. */

export type Truth = boolean | undefined;

/** False as soon as one is; otherwise known only when all are. */
export function allOf(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

/** True as soon as one is; otherwise known only when all are. */
export function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}

export function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}
