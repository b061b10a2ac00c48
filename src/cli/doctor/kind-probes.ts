/** What the target kind needs besides its engine: kind, istioctl, a port; and kubectl for whoever looks inside. */
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { meshVersions } from '../../engine/targets/mesh-programs.ts';
import { findProgram } from '../../programs/find-program.ts';
import { deadlines } from '../../programs/local/deadlines.ts';
import { Hosts } from '../../programs/local/hosts-that-answer.ts';
import { noDownload } from '../../programs/local/sources/source-context.ts';
import { programPin } from '../../programs/pin.ts';
import { flag, text } from '../../settings/typed.ts';
import { portOn } from '../../target/local/network/addresses.ts';
import { type Finding, programFinding, type Surroundings } from './finding.ts';

/** kind and istioctl, which are downloaded when they are needed. */
export async function downloadable(name: 'kind' | 'istioctl', around: Surroundings): Promise<Finding[]> {
  const { values, versions, env, report, signal } = around;
  const version =
    name === 'istioctl' ? (meshVersions(values)[0]?.istio ?? versions.istio.default) : undefined;
  const setting = text(values, name);
  const mirror = text(values, 'downloads');
  let pin: ReturnType<typeof programPin> | undefined;
  try {
    pin = programPin(versions, name, { version, mirror });
    const { path: where, ...found } = await findProgram(name, {
      setting,
      pin,
      fetch: false,
      report,
      signal,
      env,
    });
    return [programFinding({ name, state: 'here', version: found.version, where })];
  } catch (thrown) {
    throwIfAborted(signal);
    if (!(thrown instanceof HarnessError)) throw thrown;
    const missing = { name, state: 'missing', where: thrown.message, remedy: thrown.hint } as const;
    if (pin === undefined || setting !== undefined) return [programFinding(missing)];
    const absent = `${pin.version} is neither in PATH nor in the cache`;
    const why = flag(values, 'no-download')
      ? noDownload.why
      : await new Hosts(signal, deadlines.reachMs).problem(pin.url);
    if (why !== undefined) return [programFinding({ ...missing, where: `${absent}, and ${why}` })];
    const { origin } = new URL(pin.url);
    return [programFinding({ name, state: 'obtainable', version: pin.version, where: origin })];
  }
}

/** Nothing here needs it; but messages say what to ask it. */
export async function kubectl({ env, report, signal }: Surroundings): Promise<Finding[]> {
  const name = 'kubectl';
  try {
    const { version, path } = await findProgram(name, { fetch: false, env, report, signal });
    return [{ name, state: 'ok', version, text: path }];
  } catch (thrown) {
    throwIfAborted(signal);
    if (!(thrown instanceof HarnessError)) throw thrown;
    const said = thrown.details === undefined ? thrown.message : thrown.details;
    const remedy =
      'Install it, if you want to look inside a mesh yourself: https://kubernetes.io/docs/tasks/tools/';
    return [{ name, state: 'warning', text: `${said}; scenarios run without it`, remedy }];
  }
}

/** Two host ports, which kind publishes for the API server and the ingress gateway: any that are free. */
export async function ports(): Promise<Finding[]> {
  const name = 'ports';
  try {
    await portOn('127.0.0.1');
    return [{ name, state: 'ok', text: 'there are free ones on 127.0.0.1; no certain one is needed' }];
  } catch (thrown) {
    const text = `none can be listened on at 127.0.0.1: ${(thrown as Error).message}`;
    return [{ name, state: 'broken', text, remedy: 'Bring the interface up: sudo ip link set lo up' }];
  }
}
