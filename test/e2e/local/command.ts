/** Runs the command line on the target local, in a folder that is all it has: temporary files and state are in it. */
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, vi } from 'vitest';
import { type Ended, Folder, type Started, start } from '../faults/command.ts';
import { policiesOf } from '../faults/objects.ts';
import { endless } from '../faults/scenarios.ts';
import { type Listening, listenOnce, type Process, processesOf } from './processes.ts';

const why =
  process.platform !== 'linux'
    ? 'the target local needs Linux'
    : !process.env.JWT_E2E_PROGRAMS
      ? 'JWT_E2E_PROGRAMS names no folder with etcd, kube-apiserver, pilot-discovery and envoy'
      : undefined;

/** Whether there can be a local mesh, for what is prepared before tests. */
export const haveLocal = why === undefined;

/** `describe` for what needs a local mesh; where there can be none its tests are skipped, with the reason. */
export function describeOnLocal(title: string, tests: () => void): void {
  describe(title, () => {
    beforeEach((context) => {
      if (why !== undefined) context.skip(why);
    });
    tests();
  });
}

/** Settings that other tests of the same run get, for their cluster. */
const others = ['ISTIO', 'HUB', 'ISTIO_TAG', 'NODE_IMAGE', 'NAME', 'TARGET', 'KEEP', 'REUSE'];

/** Whose home it is; the user who runs the tests, unless said otherwise. */
export interface Owner {
  readonly uid: number;
  /** A command line that becomes this user, and runs the command line behind it. */
  readonly launcher: readonly string[];
}

export class Home {
  readonly #folder = new Folder();
  readonly #owner: Owner | undefined;
  /** The folder for temporary files, by which processes are known. */
  readonly temporary: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(owner?: Owner) {
    this.#owner = owner;
    this.temporary = this.sub('tmp');
    this.environment = {
      ...Object.fromEntries(others.map((name) => [`JWT_E2E_${name}`, ''])),
      TMPDIR: this.temporary,
      XDG_STATE_HOME: this.sub('state'),
      ...(owner === undefined ? {} : { HOME: this.sub('home'), XDG_CACHE_HOME: this.sub('cache') }),
    };
    this.#own('.');
  }

  /** A folder to run in. */
  sub(name: string): string {
    const path = this.#folder.sub(name);
    this.#own(name);
    return path;
  }

  /** Starts `jwt-e2e COMMAND --target local …`. @param name of the folder that it runs in */
  start(name: string, command: string, ...args: readonly string[]): Started {
    const line = [command, '--target', 'local', ...args];
    return start(this.sub(name), line, this.environment, this.#owner?.launcher);
  }

  /** `jwt-e2e run --target local …` from its beginning to its end. */
  run(name: string, ...args: readonly string[]): Promise<Ended> {
    return this.start(name, 'run', ...args).ended();
  }

  /** Starts a run that stays in the middle of its step, and returns once it is there: the policy is applied. */
  async startMidway(name: string, ...args: readonly string[]): Promise<Started> {
    const scenario = endless(this.sub(name), name);
    const running = this.start(name, 'run', '--answer-timeout', '120', ...args, scenario);
    await running.said(' on local ');
    await vi.waitFor(
      () => expect(this.policies()).resolves.toEqual(['RequestAuthentication foo/jwt-example']),
      {
        timeout: 90_000,
        interval: 100,
      },
    );
    return running;
  }

  /** `Kind namespace/name` of all policies of the one mesh that there is. */
  async policies(): Promise<string[]> {
    const files = this.meshes.map((name) => join(this.temporary, name, 'kubeconfig'));
    // A run that waits for its user has a folder beside that of the mesh.
    return policiesOf(files.find((file) => existsSync(file)) ?? 'no mesh');
  }

  get processes(): Process[] {
    return processesOf(this.temporary);
  }

  /** Names of the folders of meshes, and of whatever else runs of the product have put there. */
  get meshes(): string[] {
    return readdirSync(this.temporary).filter((name) => name.startsWith('jwt-e2e-'));
  }

  /** @param before addresses that were listened on */
  async expectNothingLeft(before: readonly Listening[]): Promise<void> {
    // The process that ends what a killed one has left is not waited for by anybody, and sockets live a moment longer.
    const patience = { timeout: 10_000, interval: 50 };
    await vi.waitFor(() => expect(this.processes).toEqual([]), patience);
    expect(this.meshes).toEqual([]);
    for (const each of before) await vi.waitFor(() => listenOnce(each), patience);
  }

  /** Ends all that runs here; a test that failed has left it. */
  async clear(): Promise<void> {
    await vi.waitFor(
      () => {
        for (const { pid } of this.processes) process.kill(pid, 'SIGKILL');
        expect(this.processes).toEqual([]);
      },
      { timeout: 10_000, interval: 20 },
    );
  }

  async remove(): Promise<void> {
    await this.clear();
    this.#folder.remove();
  }

  /** Gives a folder, with all that is in it, to its owner. */
  #own(name: string): void {
    if (this.#owner === undefined) return;
    const { uid } = this.#owner;
    const path = join(this.#folder.path, name);
    for (const each of ['.', ...readdirSync(path, { recursive: true, encoding: 'utf8' })]) {
      chownSync(join(path, each), uid, uid);
    }
  }
}
