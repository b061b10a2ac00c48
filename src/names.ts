/** How messages name a Kubernetes object: `Kind namespace/name`. */
export function nameOfKey(key: {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}): string {
  return `${key.kind} ${key.namespace === undefined ? '' : `${key.namespace}/`}${key.name}`;
}
