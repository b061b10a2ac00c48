/** The Docker engine: whether it answers this user, and what it has for a kind cluster. */
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/wait.ts';
import { runTool } from '../../programs/tools.ts';
import { dockerProgram } from '../../settings/typed.ts';
import type { Finding, Surroundings } from './finding.ts';
import { imageFindings } from './image-findings.ts';
import { diskFinding, GiB, memoryFinding } from './machine.ts';

/** An engine that answers at all does so in milliseconds; one on a machine far away, in seconds. In milliseconds. */
const answerMs = 6_000;

/** What is asked of it: version, cgroup version, root folder, memory, and the mirrors it pulls from. */
const fields = [
  '.ServerVersion',
  '.CgroupVersion',
  '.DockerRootDir',
  '.MemTotal',
  'json .RegistryConfig.Mirrors',
];

/**
 * A node with Istio and httpbin takes 1.2 GiB (docker stats), and Bookinfo comes on top of that. Images take 1.7 GB in the
 * engine and 1.4 GB again in the node (docker system df).
 */
const [wantedMemory, wantedDisk] = [2 * GiB, 5];

export async function engine(around: Surroundings): Promise<Finding[]> {
  const name = 'Docker engine';
  let answer: string;
  try {
    answer = await docker(['info', '--format', fields.map((each) => `{{${each}}}`).join('\t')], around);
  } catch (thrown) {
    throwIfAborted(around.signal);
    if (!(thrown instanceof HarnessError)) throw thrown;
    return [{ name, state: 'broken', ...diagnosis(thrown, around) }];
  }
  const [version = '', cgroup = '', root = '', memory = '', mirrors = ''] = answer.trim().split('\t');
  if (version === '') {
    const remedy = 'Start Docker, or set DOCKER_HOST.';
    return [{ name, state: 'broken', text: 'docker answers, and no engine behind it', remedy }];
  }
  const hasMirrors = !['', 'null', '[]'].includes(mirrors);
  const [free, images] = await Promise.all([
    around.machine.freeDisk(root),
    imageFindings(around, hasMirrors, async (image) => {
      try {
        await docker(['image', 'inspect', '--format', '{{.Id}}', image], around);
        return true;
      } catch (thrown) {
        throwIfAborted(around.signal);
        if (!(thrown instanceof HarnessError)) throw thrown;
        return false;
      }
    }),
  ]);
  return [
    { name, state: 'ok', version, text: `it answers; cgroup version ${cgroup}` },
    memoryFinding('memory of the engine', Number(memory), wantedMemory, 'a kind cluster'),
    diskFinding('disk of the engine', root, free, wantedDisk, 'the setting data-root of Docker'),
    ...images,
  ];
}

function docker(args: readonly string[], { values, env, signal }: Surroundings): Promise<string> {
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value ? [[key, value]] : [])),
  );
  const options = { signal, timeoutMs: answerMs, code: 'E_DOCKER', env: given } as const;
  return runTool(dockerProgram(values), args, options);
}

/** What is wrong, out of what docker says. */
function diagnosis(error: HarnessError, { env }: Surroundings): Pick<Finding, 'text' | 'remedy'> {
  const said = `${error.message}\n${error.details ?? ''}`;
  const where = env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  if (/ENOENT/.test(error.message)) {
    const remedy =
      'Install Docker: https://docs.docker.com/engine/install/. Or say where it is, with --docker.';
    return { text: 'there is no docker program', remedy };
  }
  if (/permission denied/i.test(said)) {
    const remedy = 'sudo usermod -aG docker $USER, and log in again.';
    return { text: `this user may not use the socket of the engine, ${where}`, remedy };
  }
  if (/took longer/.test(error.message)) {
    const remedy = 'Restart Docker, such as with: sudo systemctl restart docker';
    return { text: `the engine at ${where} takes the question and does not answer`, remedy };
  }
  if (/cannot connect|is the docker daemon running|no such host|connection refused/i.test(said)) {
    const remedy = 'Start Docker, such as with: sudo systemctl start docker. Or set DOCKER_HOST.';
    return { text: `no engine is at ${where}`, remedy };
  }
  const text = /Error response from daemon: .*/.exec(said)?.[0] ?? error.message;
  return { text, remedy: 'See the log of Docker: journalctl -u docker' };
}
