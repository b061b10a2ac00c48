/** The local container engine: whether it answers, which images it has, what runs in it. */
import { HarnessError } from '../../base/errors.ts';
import { runTool, type ToolOptions } from '../../programs/tools.ts';

export class Engine {
  readonly #docker: string;

  constructor(docker: string) {
    this.#docker = docker;
  }

  async #run(args: readonly string[], signal: AbortSignal, timeoutMs = 30_000): Promise<string> {
    const options: ToolOptions = { signal, timeoutMs, code: 'E_DOCKER' };
    return runTool(this.#docker, args, options);
  }

  /** Version and cgroup version. @throws HarnessError E_DOCKER when no engine answers. */
  async info(signal: AbortSignal): Promise<{ version: string; cgroup: string }> {
    try {
      const text = await this.#run(['info', '--format', '{{.ServerVersion}} {{.CgroupVersion}}'], signal);
      const [version = '', cgroup = ''] = text.trim().split(' ');
      if (version === '') throw new Error('it gave no version');
      return { version, cgroup };
    } catch (thrown) {
      if (thrown instanceof HarnessError && thrown.code === 'E_INTERRUPTED') throw thrown;
      throw new HarnessError('E_DOCKER', `no Docker engine answers: ${(thrown as Error).message}`, {
        hint: 'Start Docker (or set DOCKER_HOST), or use an existing cluster with --target cluster.',
        cause: thrown,
      });
    }
  }

  /** Those of the images that the engine has. */
  async present(images: readonly string[], signal: AbortSignal): Promise<string[]> {
    const checks = images.map(async (image) => {
      try {
        await this.#run(['image', 'inspect', '--format', '{{.Id}}', image], signal);
        return [image];
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        return [];
      }
    });
    return (await Promise.all(checks)).flat();
  }

  /** The host port that a container port is published on, or undefined. */
  async publishedPort(container: string, port: number, signal: AbortSignal): Promise<number | undefined> {
    const text = await this.#run(['port', container, `${port}/tcp`], signal);
    const match = text.match(/:(\d+)\s*$/m);
    return match?.[1] === undefined ? undefined : Number(match[1]);
  }

  /** What a command in a container writes to its standard output. @throws HarnessError E_DOCKER when it fails */
  async exec(container: string, command: readonly string[], signal: AbortSignal): Promise<string> {
    return this.#run(['exec', container, ...command], signal);
  }

  /** The values that containers have for a label. */
  async valuesOfLabel(label: string, signal: AbortSignal): Promise<string[]> {
    const args = ['ps', '-a', '--filter', `label=${label}`, '--format', `{{.Label "${label}"}}`];
    const values = (await this.#run(args, signal)).split('\n').filter(Boolean);
    return [...new Set(values)];
  }

  /** Removes containers with this label. */
  async removeByLabel(label: string, signal: AbortSignal): Promise<number> {
    const ids = (await this.#run(['ps', '-aq', '--filter', `label=${label}`], signal))
      .split('\n')
      .filter(Boolean);
    if (ids.length > 0) await this.#run(['rm', '-f', '-v', ...ids], signal, 60_000);
    return ids.length;
  }
}
