/** The fields of a source and of an operation: what each looks at, with or without `not` before it. */

/** Fields that are the same as a condition. */
const conditions: ReadonlyMap<string, string> = new Map([
  ['requestPrincipals', 'request.auth.principal'],
  ['principals', 'source.principal'],
  ['namespaces', 'source.namespace'],
  ['serviceAccounts', 'source.serviceAccount'],
  ['trustDomains', 'source.trustDomain'],
  ['ipBlocks', 'source.ip'],
  ['remoteIpBlocks', 'remote.ip'],
  ['ports', 'destination.port'],
]);

/** Whether the field, or the `values` of a condition, are those that must not be. */
export function isNegative(field: string): boolean {
  return /^not[A-Z]/.test(field);
}

/** `notPaths` is about `paths`. */
export function plainField(field: string): string {
  return isNegative(field) ? `${field.charAt(3).toLowerCase()}${field.slice(4)}` : field;
}

/** What the field looks at: the condition of the same meaning, such as `source.namespace`, or else its own plain name. */
export function subjectOf(field: string): string {
  const plain = plainField(field);
  return conditions.get(plain) ?? plain;
}
