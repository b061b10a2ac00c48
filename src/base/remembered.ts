/** More texts than these are forgotten, so that what reads without end does not grow without end. */
const most = 10_000;

/**
 * A function of a text that works out the result for each text once.
 *
 * @param work without effects, and with results that nobody changes
 */
export function rememberedByText<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, { readonly result: T }>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found.result;
    if (known.size >= most) known.clear();
    const result = work(text);
    known.set(text, { result });
    return result;
  };
}
