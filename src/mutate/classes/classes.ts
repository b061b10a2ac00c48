/** One value for each class of values: those that no comparison of the policies tells apart. */

/** Stands for whatever no policy mentions. */
const other = 'other';

/**
 * Texts between which patterns can tell: each literal; each prefix and suffix alone and with something more, and each prefix
 * with each suffix, as a text can have both. Prefixes of one text lie within each other, so more of them at once add nothing.
 *
 * @param patterns as policies have them: exact, `a*`, `*a` or `*`
 */
export function textsFor(patterns: readonly string[]): string[] {
  const plain = patterns.filter((each) => !each.startsWith('*') && !each.endsWith('*'));
  const prefixes = patterns
    .filter((each) => each.endsWith('*') && each !== '*')
    .map((each) => each.slice(0, -1));
  const suffixes = patterns
    .filter((each) => each.startsWith('*') && each !== '*')
    .map((each) => each.slice(1));
  return [
    ...plain,
    ...prefixes.flatMap((prefix) => [`${prefix}${other}`, prefix]),
    ...suffixes.flatMap((suffix) => [`${other}${suffix}`, suffix]),
    ...prefixes.flatMap((prefix) =>
      suffixes.flatMap((suffix) => [`${prefix}${suffix}`, `${prefix}${other}${suffix}`]),
    ),
    other,
  ];
}

/** Paths, as {@link textsFor}, and for templates what `{*}` and `{**}` can stand for. */
export function pathsFor(patterns: readonly string[]): string[] {
  const filled = patterns
    .filter((each) => each.includes('{'))
    .flatMap((each) =>
      ['', other, `${other}/${other}`].map((rest) => each.replaceAll('{**}', rest).replaceAll('{*}', other)),
    );
  const rooted = (text: string) => (text.startsWith('/') ? text : `/${text}`);
  return [...textsFor(patterns.filter((each) => !each.includes('{'))), ...filled].map(rooted);
}

/**
 * Values of a claim, which is a text or a list of texts, and may be missing. A list matches what any of its texts does, so
 * lists of up to four texts are all tried, and of more all pairs.
 */
export function claimValuesFor(patterns: readonly string[]): { values: unknown[]; isComplete: boolean } {
  const texts = [...new Set(textsFor(patterns))];
  const isComplete = patterns.length <= 4;
  const lists = isComplete
    ? subsetsOf(texts.slice(0, 6))
    : texts.flatMap((one, at) => texts.slice(at + 1).map((two) => [one, two]));
  return { values: [...texts, undefined, '', ...lists], isComplete };
}

/** The first value of each class. @param classOf a text that is the same for values of one class */
export function oneOfEach<T>(values: Iterable<T>, classOf: (value: T) => string): T[] {
  const found = new Map<string, T>();
  for (const value of values) {
    const key = classOf(value);
    if (!found.has(key)) found.set(key, value);
  }
  return [...found.values()];
}

function subsetsOf(texts: readonly string[]): string[][] {
  const all = Array.from({ length: 2 ** texts.length }, (_, bits) =>
    texts.filter((_, at) => Math.floor(bits / 2 ** at) % 2 === 1),
  );
  return all.filter(({ length }) => length > 1);
}
