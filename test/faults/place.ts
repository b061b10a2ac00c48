/** Where a cell happens: folders of its own, the command line that runs there, and what may be left. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../src/kube/kube-config.ts';
import { ownNamespaces } from '../../src/target/cluster/own-namespaces.ts';
import { Folder } from '../e2e/faults/command.ts';
import { keyServersOf, nodesOf, policiesOf, stateFolder } from '../e2e/faults/objects.ts';
import { Draft } from '../e2e/faults/scenarios.ts';
import { type Listening, listening, listenOnce, type Process, processesOf } from '../e2e/local/processes.ts';
import { Running } from './running.ts';

/** What ends by itself after a run has this long. */
const patienceMs = 15_000;

/** Where reports go; the debug log is elsewhere, so that a fault of this folder hides no moment. */
export const reportNames = { junit: 'junit.xml', json: 'results.json' } as const;

/** An answer that no mesh gives. */
const teapot = 418;

export abstract class Place {
  readonly folder = new Folder();
  readonly temporary = this.folder.sub('tmp');
  readonly state = this.folder.sub('state');
  readonly work = this.folder.sub('work');
  readonly out = this.folder.sub('work/out');
  /** What is undone at the end of the cell, last first. */
  readonly undo: (() => unknown)[] = [];

  /** Which target it is, and whatever else every command needs. */
  abstract readonly args: readonly string[];
  protected abstract readonly variables: Readonly<Record<string, string>>;
  /** What is left of a run besides processes, ports and files. */
  protected abstract objects(): Promise<readonly string[]>;

  /** Files of the state folder that may stay; none by default. */
  protected readonly keeps: RegExp | undefined = undefined;

  get environment(): Record<string, string> {
    return { ...this.variables, TMPDIR: this.temporary, XDG_STATE_HOME: this.state };
  }

  /** The check that no mesh can pass, as results.json calls it. */
  readonly failing: string = 'keys/jwksUri without a ServiceEntry/no token//headers';

  /** Seconds that an answer has. */
  protected readonly answerTimeout: number = 4;

  /** The flags that say where reports go. */
  protected reportFlags(): string[] {
    const files = {
      ...reportNames,
      html: 'report.html',
      conformance: 'conformance.yaml',
      artifacts: 'artifacts',
    };
    return Object.entries(files).flatMap(([name, file]) => [`--${name}`, join(this.out, file)]);
  }

  /** One with the check that must fail, and one where all must pass. */
  scenarios(): string[] {
    return [this.fails(), new Draft('require-jwt').write(this.work, 'require')];
  }

  /** Its keys are from a server outside the mesh. */
  protected fails(): string {
    return new Draft('jwks-external-http')
      .onlySteps(1)
      .set(['mesh', 'fetch'], ['istiod'])
      .set(['steps', 0, 'expect', 'no token', 0], teapot)
      .write(this.work, 'keys');
  }

  run(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    redirect?: string,
    scenarios: readonly string[] = this.scenarios(),
  ): Running {
    const line = [
      'run',
      ...this.args,
      '--debug',
      '--answer-timeout',
      String(this.answerTimeout),
      '--hold-timeout',
      '20',
      ...this.reportFlags(),
      ...args,
      ...scenarios,
    ];
    return new Running(this.work, line, { ...this.environment, ...env }, redirect);
  }

  /** Another command of the product, in a folder of its own. */
  command(name: string, args: readonly string[]): Running {
    const folder = this.folder.sub(`${name}-${Math.random().toString(36).slice(2)}`);
    return new Running(folder, [name, ...args], this.environment);
  }

  get processes(): Process[] {
    return processesOf(this.folder.path);
  }

  /** The one process of this kind. @throws Error when there is none */
  process(what: string, isIt: (process: Process) => boolean): Process {
    const found = this.processes.find(isIt);
    if (found === undefined) throw new Error(`there is no process of ${what}`);
    return found;
  }

  listening(): Listening[] {
    return listening(this.processes);
  }

  /** What a run has left, when it has had time to go. @param before addresses that were listened on */
  async left(before: readonly Listening[]): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const left = [...(await this.#here(before)), ...(await this.objects())];
      if (left.length === 0 || performance.now() > deadline) return left;
      await sleep(200);
    }
  }

  async #here(before: readonly Listening[]): Promise<string[]> {
    const ports = await Promise.all(
      before.map((each) =>
        listenOnce(each).then(
          () => [],
          () => [`port ${each.address}:${each.port}`],
        ),
      ),
    );
    return [
      ...this.processes.map(({ pid, args }) => `process ${pid} ${args.slice(0, 3).join(' ').slice(0, 80)}`),
      ...ports.flat(),
      ...entriesOf(this.temporary).map((name) => `file TMPDIR/${name}`),
      ...filesBelow(this.state)
        .filter((file) => !this.keeps?.test(file))
        .map((file) => `file XDG_STATE_HOME/${file}`),
    ];
  }

  /** Mounts a small file system of its own on a folder. */
  mount(folder: string, size: string): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
    this.undo.push(() => execFileSync('umount', ['-l', folder]));
  }

  /** Makes a folder one that nobody can write, not even root. */
  readOnly(folder: string): void {
    execFileSync('mount', ['--bind', folder, folder]);
    this.undo.push(() => execFileSync('umount', ['-l', folder]));
    execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
  }

  /** Ends all that runs here, and removes its folders. */
  async remove(): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (; this.processes.length > 0 && performance.now() < deadline; await sleep(50)) {
      for (const { pid } of this.processes) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
      }
    }
    for (const undo of this.undo.splice(0).reverse()) {
      try {
        await undo();
      } catch {}
    }
    this.folder.remove();
  }
}

/** What a full disk was filled with is no file of a run. */
const entriesOf = (folder: string) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name !== 'filler') : [];

/** Whatever is no folder, as paths: the folder of the product's state may stay, with nothing in it. */
function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && entry.name !== 'filler')
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Settings that this program's own environment has, for other clusters. */
const clusters = ['NAME', 'TARGET', 'KEEP', 'REUSE'];
const others = ['ISTIO', 'HUB', 'ISTIO_TAG', 'NODE_IMAGE', ...clusters];
const without = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [`JWT_E2E_${name}`, '']));

export class LocalPlace extends Place {
  readonly args: readonly string[] = ['--target', 'local'];
  protected readonly variables = without(others);

  protected async objects(): Promise<readonly string[]> {
    return [];
  }
}

/** The cluster that cells may break, and which is whole again after each; see JWT_E2E_TEST_CLUSTER of other tests. */
export const testCluster = process.env.JWT_E2E_TEST_CLUSTER ?? '';
export const kubeconfig =
  process.env.JWT_E2E_TEST_CLUSTER_KUBECONFIG ?? join(stateFolder(testCluster), 'kubeconfig');

async function policies(): Promise<string[]> {
  try {
    return (await policiesOf(kubeconfig)).map((name) => `object ${name}`);
  } catch (thrown) {
    return [`objects cannot be read: ${(thrown as Error).message}`];
  }
}

export class KindPlace extends Place {
  readonly args: readonly string[];
  readonly name: string;
  readonly #isReused: boolean;
  protected readonly variables = without(clusters);
  protected override readonly answerTimeout = 8;
  protected override readonly keeps: RegExp | undefined;

  /** @param name of a cluster that the run makes; {@link testCluster} when not given */
  constructor(name?: string) {
    super();
    this.name = name ?? testCluster;
    this.#isReused = name === undefined;
    // The kubeconfig of a cluster that goes on, and the CA that its applications know.
    this.keeps = this.#isReused ? /^istio-jwt-e2e\/[^/]+\/(?:kubeconfig|ca\.json)$/ : undefined;
    this.args = ['--target', 'kind', '--name', this.name, ...(this.#isReused ? ['--reuse'] : [])];
  }

  get node(): string {
    return `${this.name}-control-plane`;
  }

  protected async objects(): Promise<readonly string[]> {
    const containers = [
      ...(await keyServersOf(this.name)),
      ...(this.#isReused ? [] : await nodesOf(this.name)),
    ];
    return [
      ...containers.map((each) => `container ${each}`),
      ...(this.#isReused ? await policies() : []),
      ...(existsSync(join(this.state, 'istio-jwt-e2e', this.name, 'lock')) ? ['the lock'] : []),
    ];
  }
}

export class ClusterPlace extends Place {
  readonly args: readonly string[];
  override readonly failing = 'fails/a token is required/no token//headers';
  readonly #keeps: boolean;
  protected readonly variables = without(clusters);
  protected override readonly answerTimeout = 8;

  /** @param keeps leave the applications, so that the next cell is faster @param flags that say which cluster it is */
  constructor(keeps = true, flags: readonly string[] = ['--kubeconfig', kubeconfig]) {
    super();
    this.#keeps = keeps;
    this.args = ['--target', 'cluster', ...flags, ...(keeps ? ['--reuse', '--keep'] : [])];
  }

  /** Nothing of a real cluster is outside of it. */
  protected override fails(): string {
    return new Draft('require-jwt')
      .set(['steps', 0, 'expect', 'no token', 0], teapot)
      .write(this.work, 'fails');
  }

  protected async objects(): Promise<readonly string[]> {
    const client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
    try {
      const own = this.#keeps ? [] : await ownNamespaces(client, AbortSignal.timeout(20_000));
      return [...own.map(({ metadata }) => `Namespace ${metadata.name}`), ...(await policies())];
    } catch (thrown) {
      return [`objects cannot be read: ${(thrown as Error).message}`];
    } finally {
      await client.close();
    }
  }
}
