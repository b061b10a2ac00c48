/** What a thrown value says. An AggregateError, as for a host with several addresses, has no message of its own. */
export function nameOfError(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === '' && thrown.errors.length > 0) {
    return [...new Set(thrown.errors.map(nameOfError))].join(', ');
  }
  const { message, code, error } = Object(thrown) as { message?: string; code?: string; error?: unknown };
  if (message) return message;
  // The ErrorEvent of a WebSocket has the error itself within.
  return error ? nameOfError(error) : (code ?? String(thrown));
}

/** How messages name a Kubernetes object: `Kind namespace/name`. */
export function nameOfKey(key: {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}): string {
  return `${key.kind} ${key.namespace === undefined ? '' : `${key.namespace}/`}${key.name}`;
}

/** The text as a DNS label has it, whatever its length: small letters and digits of ASCII, with single hyphens between them. */
export function hyphenated(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Quotes an argument for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
