/** What `jwt-e2e init --live` reads of a cluster: the same as a live run does, with the same rights. */
import { connect, gatewayOf } from '../../engine/targets/make-cluster.ts';
import type { Values } from '../../settings/settings.ts';
import { checkPolicies } from '../../target/cluster/facts.ts';
import { surveyMesh } from '../../target/kubernetes/survey-mesh.ts';
import type { Survey } from '../../target/target.ts';
import { withSignals } from '../support/signals.ts';

/**
 * Reads the mesh, and changes nothing.
 *
 * @throws HarnessError E_USAGE when no cluster is named; E_ISTIO when there is no Istio; what reading throws; E_INTERRUPTED
 */
export async function readLive(values: Values): Promise<{ survey: Survey; where: string }> {
  return withSignals(async (signal) => {
    const clients = await connect(values);
    try {
      await checkPolicies(clients, signal);
      const { namespace } = gatewayOf(values);
      const ingress = { namespace, labels: { istio: 'ingressgateway' } };
      const survey = await surveyMesh(
        clients,
        { rootNamespace: 'istio-system', ingress },
        [],
        new Set(),
        signal,
      );
      return { survey, where: `context ${clients.mesh.name}` };
    } finally {
      await Promise.all([clients.data.close(), clients.mesh.close()].map((each) => each.catch(() => {})));
    }
  }, 'Nothing was changed.');
}
