/** Patterns with wildcards, compared in no more time than the lengths of pattern and text multiplied. */

/** Whether a text is like a pattern in which `*` stands for any text and, where wanted, `?` for one character. */
export function isLike(text: string, pattern: string, { questionMark = false } = {}): boolean {
  // So are most, and most of the time.
  if (pattern === '*' || pattern === text) return true;
  const [characters, wanted] = [[...text], [...pattern]];
  let [at, next] = [0, 0];
  /** Behind the last `*`, and how much of the text it has taken. */
  let [star, taken] = [-1, 0];
  while (at < characters.length) {
    if (wanted[next] === '*') {
      next += 1;
      [star, taken] = [next, at];
    } else if (wanted[next] === characters[at] || (questionMark && wanted[next] === '?')) {
      at += 1;
      next += 1;
    } else if (star === -1) return false;
    else {
      taken += 1;
      [at, next] = [taken, star];
    }
  }
  return wanted.slice(next).every((each) => each === '*');
}
