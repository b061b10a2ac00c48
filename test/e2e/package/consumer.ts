/** An empty folder somewhere else, into which the packed product is installed, as its users do. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options } from 'execa';
import { type Packed, pack } from '../../package/packed.ts';
import { processesOf } from '../local/processes.ts';

export class Consumer {
  /** Everything is in it; processes are known by it. */
  readonly path = mkdtempSync(join(tmpdir(), 'jwt-e2e-consumer-'));
  readonly folder = join(this.path, 'consumer');

  /** Packs the product and installs it, with other packages that a consumer may have. */
  async install(...others: readonly string[]): Promise<Packed> {
    for (const name of ['consumer', 'pack', 'tmp', 'state']) mkdirSync(join(this.path, name));
    const packed = await pack(join(this.path, 'pack'));
    this.write('package.json', '{ "name": "consumer", "private": true, "type": "module" }');
    await this.call('npm', [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      packed.archive,
      ...others,
    ]);
    return packed;
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** Starts a program in the folder. It does not know that it is started by a test. */
  start(program: string, args: readonly string[], options: Options = {}) {
    const others = ['VITEST', 'VITEST_MODE', 'VITEST_POOL_ID', 'VITEST_WORKER_ID', 'TEST', 'NODE_ENV'];
    const settings = ['NAME', 'KEEP', 'REUSE', 'GREP'];
    return execa(program, args, {
      cwd: this.folder,
      reject: false,
      all: true,
      stdin: 'ignore',
      forceKillAfterDelay: false,
      ...options,
      env: {
        ...Object.fromEntries(others.map((name) => [name, undefined])),
        ...Object.fromEntries(settings.map((name) => [`JWT_E2E_${name}`, undefined])),
        NO_COLOR: '1',
        JWT_E2E_TARGET: 'local',
        TMPDIR: join(this.path, 'tmp'),
        XDG_STATE_HOME: join(this.path, 'state'),
        ...options.env,
      },
    } as const);
  }

  /** Runs a program to its end. @throws Error with everything it wrote, when its exit code is not the one wanted */
  async call(program: string, args: readonly string[], wanted = 0): Promise<string> {
    const { exitCode, all } = await this.start(program, args);
    if (exitCode === wanted) return String(all);
    throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}:\n${all}`);
  }

  /** Command lines of everything that was started here and still runs. */
  get processes(): string[] {
    return processesOf(this.path).map(({ args }) => args.join(' '));
  }

  /** Ends what a test that failed has left, and deletes everything. */
  remove(): void {
    for (const { pid } of processesOf(this.path)) process.kill(pid, 'SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A scenario that somebody has written for themselves. @param expired what an expired token is expected to get */
export function ownScenario(name: string, expired = 401): string {
  const text = readFileSync('scenarios/documented/require-jwt.yaml', 'utf8');
  return text.replace(/^name: .*$/m, `name: ${name}`).replace('expired: [401]', `expired: [${expired}]`);
}
