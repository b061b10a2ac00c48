/** Programs out of the folder that the user gave. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { lookAt } from '../../base/files/limited-file.ts';
import { isExecutable } from '../lookup.ts';
import { minorOf } from '../versions.ts';
import type { Found, MeshProgram, Problem, Source } from './build/source.ts';
import type { Context } from './sources/source-context.ts';
import { versionOf } from './version.ts';

/** @throws HarnessError E_PROGRAM when it is no folder */
export function programFolder(setting: string): string {
  const folder = setting.startsWith('~/') ? join(homedir(), setting.slice(2)) : resolve(setting);
  if (lookAt(folder).stat?.isDirectory()) return folder;
  throw new HarnessError('E_PROGRAM', `the folder for programs that was set, ${setting}, is no folder`, {
    hint: 'give a folder with --programs or JWT_E2E_PROGRAMS, or leave it out',
  });
}

export interface Wishes {
  /** The only version of Istio that will do. */
  readonly istio?: string | undefined;
  /** The only version of Envoy that will do. */
  readonly envoy?: string | undefined;
}

/** What does not run or is of another version than wanted is reported and passed over. */
export class FolderSource implements Source {
  readonly label: string;
  readonly #context: Context;
  readonly #wishes: Wishes;
  readonly #versions = new Map<string, Promise<string | undefined>>();

  constructor(context: Context, folder: string, wishes: Wishes) {
    this.#context = context;
    this.#wishes = wishes;
    this.label = folder;
  }

  async find(program: MeshProgram): Promise<Found | undefined> {
    switch (program) {
      case 'crds':
        return this.#crds();
      case 'envoy':
        return this.#envoy();
      case 'pilot-discovery':
        return this.#program(program, program, this.#wishes.istio);
      default:
        return this.#program(program, program, undefined);
    }
  }

  async problem(): Promise<Problem> {
    return { why: 'it is not there, or in another version', remedy: `put it into ${this.label}` };
  }

  async get(): Promise<void> {}

  /** The file says no version: it belongs to the pilot-discovery beside it, if that is used. */
  async #crds(): Promise<Found | undefined> {
    const path = ['crds.yaml', 'istio-crds.yaml'].map((name) => join(this.label, name)).find(existsSync);
    if (path === undefined) return undefined;
    const pilot = await this.find('pilot-discovery');
    return pilot && { path, version: pilot.version, origin: this.label };
  }

  /** `envoy-VERSION` of the version wanted, else of the one that belongs to the Istio here, else `envoy`. */
  async #envoy(): Promise<Found | undefined> {
    const { envoy: wanted } = this.#wishes;
    const pilot = await this.find('pilot-discovery');
    const belongs = pilot && envoyFor(this.#context.versions, pilot.version);
    const named = [wanted, ...this.#envoysLike(wanted ?? belongs)].filter((each) => each !== undefined);
    for (const file of [...named.map((version) => `envoy-${version}`), 'envoy']) {
      const found = await this.#program('envoy', file, wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The versions here of the minor of `version`; that very one first. */
  #envoysLike(version: string | undefined): string[] {
    if (version === undefined) return [];
    const here = readdirSync(this.label).flatMap(
      (name) => /^envoy-(\d+\.\d+\.\d+\S*)$/.exec(name)?.[1] ?? [],
    );
    const like = here.filter((each) => minorOf(each) === minorOf(version));
    return [...like.filter((each) => each === version), ...like.filter((each) => each !== version)];
  }

  async #program(
    program: Exclude<MeshProgram, 'crds'>,
    file: string,
    wanted: string | undefined,
  ): Promise<Found | undefined> {
    const path = join(this.label, file);
    if (!isExecutable(path)) return undefined;
    const version = await this.#versionOf(program, path, wanted);
    if (version === undefined || (wanted !== undefined && version !== wanted)) return undefined;
    return { path, version, origin: this.label };
  }

  /** Asked and, when it will not do, reported once. */
  #versionOf(
    program: Exclude<MeshProgram, 'crds'>,
    path: string,
    wanted: string | undefined,
  ): Promise<string | undefined> {
    const ask = async () => {
      try {
        const version = await versionOf(program, path, this.#context);
        if (wanted !== undefined && version !== wanted) {
          this.#context.report(`${path} was passed over: its version is ${version}, ${wanted} is wanted`);
        }
        return version;
      } catch (thrown) {
        if (this.#context.signal.aborted) throw thrown;
        this.#context.report(`${path} was passed over: ${(thrown as Error).message}`);
        return undefined;
      }
    };
    const known = this.#versions.get(path) ?? ask();
    this.#versions.set(path, known);
    return known;
  }
}

/** The stock Envoy that belongs to a version of Istio, as kind/versions.yaml has it. */
export function envoyFor(versions: Context['versions'], istio: string): string | undefined {
  const { build, envoy } = versions.local;
  return istio === build.istio ? build.envoy : envoy.istio[minorOf(istio)];
}
