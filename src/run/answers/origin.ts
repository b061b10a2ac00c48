/** Where requests start, with what is only known in a run. */
import type { PlannedStep, RequestCheck } from '../../plan/types.ts';
import type { Origin } from '../../target/target.ts';
import type { RunContext } from '../template-context.ts';

/** @param check one that may say itself where its request starts */
export function originOf(
  { origin }: Pick<PlannedStep, 'origin'>,
  { certificates }: Pick<RunContext, 'certificates'>,
  check?: RequestCheck,
): Origin | undefined {
  if (check?.request.client !== undefined) return check.request.client;
  if (origin?.kind !== 'ingress' || origin.gateway?.https === undefined) return origin;
  const { https, ...gateway } = origin.gateway;
  const { certificate, sni: serverName } = https;
  const { ca } = certificates.get(certificate) ?? { ca: '' };
  return { kind: 'ingress', gateway: { ...gateway, tls: { ca, serverName } } };
}
