/** What `jwt-e2e doctor` looks at. A new probe is a new entry in `probes`. */
import { HarnessError } from '../../errors.ts';
import { findProgram } from '../../programs/find.ts';
import { recipeFolder } from '../../programs/local/build.ts';
import { noDownload } from '../../programs/local/context.ts';
import { deadlines } from '../../programs/local/deadlines.ts';
import { findGo } from '../../programs/local/go.ts';
import { Hosts } from '../../programs/local/hosts.ts';
import { surveyMeshPrograms } from '../../programs/local/survey.ts';
import { inPath } from '../../programs/lookup.ts';
import { programPin } from '../../programs/pin.ts';
import { runTool } from '../../programs/tools.ts';
import type { Versions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { Engine } from '../../target/kind/engine.ts';
import { meshProgramOptions, meshVersions } from '../mesh-programs.ts';

/** One line of the table. */
export interface Finding {
  readonly name: string;
  readonly state: 'here' | 'obtainable' | 'missing';
  readonly version?: string | undefined;
  /** Where it is, or where it can be had from, or why it is missing. */
  readonly where: string;
  /** What to do to have it. */
  readonly remedy?: string | undefined;
}

interface Surroundings {
  readonly values: Values;
  readonly versions: Versions;
  readonly env: NodeJS.ProcessEnv;
  /** Receives what was passed over, and why. */
  readonly report: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface Probe {
  /** The target that cannot be had when something is missing; undefined: only a means to get programs. */
  readonly target?: 'kind' | 'local';
  readonly look: (around: Surroundings) => Promise<readonly Finding[]>;
}

export const probes: readonly Probe[] = [
  { target: 'kind', look: async (around) => [await dockerEngine(around)] },
  { target: 'kind', look: async (around) => [await download('kind', around)] },
  { target: 'kind', look: async (around) => [await download('istioctl', around)] },
  { target: 'local', look: meshPrograms },
  { look: async (around) => [await go(around)] },
  { look: async (around) => [await python(around)] },
];

async function dockerEngine({ values, signal }: Surroundings): Promise<Finding> {
  const name = 'Docker engine';
  try {
    const { version } = await new Engine(text(values, 'docker') ?? 'docker').info(signal);
    return { name, state: 'here', version, where: 'it answers' };
  } catch (thrown) {
    return lacking(name, thrown, signal);
  }
}

/** kind and istioctl, which are downloaded when they are needed. */
async function download(name: 'kind' | 'istioctl', around: Surroundings): Promise<Finding> {
  const { values, versions, env, report, signal } = around;
  const version =
    name === 'istioctl' ? (meshVersions(values)[0]?.istio ?? versions.istio.default) : undefined;
  let pin: ReturnType<typeof programPin> | undefined;
  try {
    pin = programPin(versions, name, { version, mirror: text(values, 'downloads') });
    const options = { setting: text(values, name), pin, fetch: false, report, signal, env };
    const found = await findProgram(name, options);
    return { name, state: 'here', version: found.version, where: found.path };
  } catch (thrown) {
    const finding = lacking(name, thrown, signal);
    if (pin === undefined || text(values, name) !== undefined) return finding;
    const where = `${pin.version} is neither in PATH nor in the cache`;
    if (flag(values, 'no-download')) return { ...finding, where: `${where}, and ${noDownload.why}` };
    const why = await new Hosts(signal, deadlines.reachMs).problem(pin.url);
    if (why !== undefined) return { ...finding, where: `${where}, and ${why}` };
    const { origin } = new URL(pin.url);
    return { name, state: 'obtainable', where: origin, remedy: 'nothing: it is downloaded when needed' };
  }
}

async function meshPrograms(around: Surroundings): Promise<readonly Finding[]> {
  const { values, env, signal } = around;
  try {
    const surveys = await Promise.all(
      meshVersions(values).map((mesh) =>
        surveyMeshPrograms({ ...meshProgramOptions(values, mesh, around), env }),
      ),
    );
    return surveys.flat();
  } catch (thrown) {
    if (!(thrown instanceof HarnessError) || thrown.code !== 'E_PROGRAM') throw thrown;
    return [lacking('programs', thrown, signal)];
  }
}

async function go({ env, signal }: Surroundings): Promise<Finding> {
  const found = await findGo(recipeFolder, { env, signal, deadlines });
  if ('why' in found) return { name: 'Go', state: 'missing', where: found.why, remedy: found.remedy };
  return { name: 'Go', state: 'here', version: found.version.replace(/^go/, ''), where: found.path };
}

async function python({ env, signal }: Surroundings): Promise<Finding> {
  const name = 'Python';
  const remedy = 'install Python 3 with pip, if PyPI can only be reached with the settings of pip';
  const path = inPath('python3', env.PATH);
  if (path === undefined) return { name, state: 'missing', where: 'python3 is not in PATH', remedy };
  try {
    const options = { signal, timeoutMs: deadlines.versionMs, code: 'E_PROGRAM' } as const;
    const output = await runTool(path, ['-m', 'pip', '--version'], options);
    return { name, state: 'here', version: /\(python (\S+)\)/.exec(output)?.[1], where: `${path}, with pip` };
  } catch (thrown) {
    return { ...lacking(name, thrown, signal), remedy };
  }
}

/** @throws what was thrown, when the user has interrupted */
function lacking(name: string, thrown: unknown, signal: AbortSignal): Finding {
  if (signal.aborted || !(thrown instanceof HarnessError)) throw thrown;
  return { name, state: 'missing', where: thrown.message, remedy: thrown.hint };
}
