/** Decides which target a run takes, and says why. */
import { HarnessError } from '../../base/errors.ts';
import type { Values } from '../../settings/settings.ts';
import { clusterFlags, flag, list, type TargetName, text, wantedTarget } from '../../settings/typed.ts';
import { meshVersions } from './mesh-programs.ts';
import type { ChoiceRequest } from './why-target.ts';

export interface Choice {
  readonly name: TargetName;
  readonly reason: string;
}

/**
 * The target that was asked for; with `auto` cluster when one is named, kind when it can be had, else local.
 *
 * @throws HarnessError E_USAGE when settings contradict each other, E_DOCKER when there can be no mesh, with all reasons
 */
export async function chooseTarget(request: ChoiceRequest): Promise<Choice> {
  const choice = await choose(request);
  if (flag(request.values, 'live') && choice.name !== 'cluster') {
    throw new HarnessError('E_USAGE', `--live is for a cluster that is there, not for ${choice.name}`, {
      hint: 'Name the cluster with --context NAME or --kubeconfig FILE.',
    });
  }
  if (text(request.values, 'external-jwks') !== undefined && choice.name !== 'cluster') {
    throw new HarnessError(
      'E_USAGE',
      `--external-jwks is for a cluster that is there, not for ${choice.name}`,
      {
        hint: `Leave it out: the target ${choice.name} starts key servers itself.`,
      },
    );
  }
  const forLocal = onlyForLocal(request.values);
  if (forLocal !== undefined && choice.name !== 'local') {
    throw new HarnessError('E_USAGE', `${forLocal} is for the target local, not for ${choice.name}`, {
      hint: `Leave it out, or use --target local.`,
    });
  }
  return choice;
}

async function choose(request: ChoiceRequest): Promise<Choice> {
  const { values } = request;
  const wanted = wantedTarget(values);
  const [named] = clusterFlags(values);
  if (wanted !== undefined) {
    // It may be in the settings file, for other runs.
    const unused =
      named === undefined || wanted === 'cluster' ? '' : `; --${named[0]} ${named[1]} is not used`;
    return { name: wanted, reason: `asked for with --target ${wanted}${unused}` };
  }
  if (named !== undefined) return { name: 'cluster', reason: `--target auto: --${named[0]} names a cluster` };
  const forLocal = onlyForLocal(values);
  if (forLocal !== undefined)
    return { name: 'local', reason: `--target auto: ${forLocal} is for local meshes` };
  // Loaded when it is asked for: it starts programs.
  const { whyKind, whyNotLocal } = await import('./why-target.ts');
  const kind = await whyKind(request);
  if (kind.possible) return { name: 'kind', reason: `--target auto: ${kind.why}` };
  const missing = await whyNotLocal(request);
  if (missing === undefined) return { name: 'local', reason: `--target auto: ${kind.why}` };
  throw new HarnessError('E_DOCKER', 'there is no mesh to test: neither kind nor local can be had', {
    hint: 'Do one of what follows, or name a cluster that has Istio with --target cluster --context NAME. "jwt-e2e doctor" says more.',
    details: `kind: ${kind.details ?? kind.why}\nlocal: ${missing}`,
  });
}

/** A setting that has a meaning for local meshes alone. */
function onlyForLocal(values: Values): string | undefined {
  const meshes = meshVersions(values);
  if (meshes.some(({ envoy }) => envoy !== undefined)) return '--envoy';
  if (list(values, 'istiod-env').length > 0) return '--istiod-env';
  return meshes.length > 1 ? '--istio with several versions' : undefined;
}
