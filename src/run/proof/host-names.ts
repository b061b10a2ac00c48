/** Names of hosts, as Istio's routing compares them. */

/** A name in the forms that mean the same Service to somebody in this namespace, in lower case, without a port. */
export function formsOf(host: string, namespace: string): string[] {
  const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const parts = name.split('.');
  const forms = [name];
  if (parts.length === 1) forms.push(`${name}.${namespace}.svc.cluster.local`);
  if (parts.length === 2) forms.push(`${name}.svc.cluster.local`);
  if (parts.length === 3 && parts[2] === 'svc') forms.push(`${name}.cluster.local`);
  return forms;
}

/**
 * Whether the host of a VirtualService, ServiceEntry or route is this one.
 *
 * @param pattern such as `*`, `*.example.com`, or a name, which is short for one in `namespace`
 */
export function hostMatches(pattern: string, namespace: string, forms: readonly string[]): boolean {
  const wanted = pattern.toLowerCase();
  if (wanted.startsWith('*')) return forms.some((form) => form.endsWith(wanted.slice(1)));
  return formsOf(wanted, namespace).some((form) => forms.includes(form));
}
