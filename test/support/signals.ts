/** A signal that nobody aborts. */
export function unaborted(): AbortSignal {
  return new AbortController().signal;
}
