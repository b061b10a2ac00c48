/** Where Gateways were found that requests are sent through. */
import { HarnessError } from '../../base/errors.ts';
import type { GatewayEntry } from '../target.ts';

/** What tells one way into the mesh from another. */
export function gatewayId({ namespace, name, port, tls }: GatewayEntry): string {
  return [`${namespace}/${name}`, port ?? [], tls === undefined ? [] : 'HTTPS'].flat().join(' ');
}

/** Such as http://127.0.0.1:41234. @throws HarnessError E_INTERNAL before anything was sent through it */
export function urlOf(gateway: GatewayEntry, known: ReadonlyMap<string, string>): string {
  const url = known.get(gatewayId(gateway));
  if (url === undefined)
    throw new HarnessError('E_INTERNAL', `nothing was sent through ${gatewayId(gateway)}`);
  return url;
}
