/** Where the requests of a step start, with what is only known in a run. */
import type { PlannedStep } from '../../plan/types.ts';
import type { Origin } from '../../target/target.ts';
import type { RunContext } from '../template-context.ts';

export function originOf(
  { origin }: Pick<PlannedStep, 'origin'>,
  { certificates }: Pick<RunContext, 'certificates'>,
): Origin | undefined {
  if (origin?.kind !== 'ingress' || origin.gateway?.https === undefined) return origin;
  const { https, ...gateway } = origin.gateway;
  const { certificate, sni: serverName } = https;
  const { ca } = certificates.get(certificate) ?? { ca: '' };
  return { kind: 'ingress', gateway: { ...gateway, tls: { ca, serverName } } };
}
