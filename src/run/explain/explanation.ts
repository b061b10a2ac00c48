/** What is said about a wrong answer. */
export interface Explanation {
  /** Half a sentence, such as `no AuthorizationPolicy selects foo/httpbin-1`. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
}
