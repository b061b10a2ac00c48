/** What an application gets to see of a request, and what it answers. How both travel is up to server.ts. */

/** One request, as it came: nothing is decoded or normalised. */
export interface AppRequest {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** Without `?`; undefined when there was no `?`. */
  readonly query: string | undefined;
  /** The request line, such as `GET /a%2Fb?c HTTP/1.1`. */
  readonly line: string;
  /** From the target when that is a whole URL, else from the Host header. */
  readonly host: string;
  /** In order, as they were written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly remoteAddress: string;
  /** The port that the container would have listened on. */
  readonly containerPort: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /**
   * Reads the body.
   *
   * @param limit in bytes
   * @returns undefined when it is longer
   */
  readonly body: (limit: number) => Promise<Buffer | undefined>;
}

export interface Answer {
  readonly status: number;
  /** The reason phrase, where it is not the usual one. */
  readonly reason?: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Buffer;
  /** Close the connection without an answer; `status` is only for the log. */
  readonly hangUp?: boolean | undefined;
  /** False leaves it out of the access log. */
  readonly logged?: boolean | undefined;
}

type Handler = (request: AppRequest) => Answer | Promise<Answer>;

/** An application before it listens. */
export interface App {
  /** The container ports it listens on. */
  readonly ports: readonly number[];
  readonly handle: Handler;
  /** The line of its access log. */
  readonly logLine: (request: AppRequest, answer: Answer) => string;
}

/** The values of a header, whatever its case. */
export function headerValues(request: AppRequest, name: string): string[] {
  const wanted = name.toLowerCase();
  return request.headers.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value);
}

/** The bytes of the body that are really sent. */
export function sentBytes(request: AppRequest, answer: Answer): number {
  return request.method === 'HEAD' || answer.hangUp ? 0 : Buffer.byteLength(answer.body);
}

/** An answer in one of the types that need no more than a name. */
export function answer(status: number, type: string, body: string | Buffer): Answer {
  return { status, headers: [['Content-Type', type]], body };
}

/**
 * Replaces `%XX` by the byte it stands for (RFC 3986, section 2.1).
 *
 * @param text one character for each byte, as Node's HTTP parser gives it
 * @returns the bytes; undefined when a `%` has no two hexadecimal digits after it
 */
export function percentDecode(text: string): Buffer | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes = text.replaceAll(/%(..)/gs, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1');
}
