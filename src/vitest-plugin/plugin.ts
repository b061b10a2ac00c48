/** The Vitest plugin: each scenario file is a test file, each check a test. */
import { join, relative, resolve, sep } from 'node:path';
// What is declared about it below is nothing without it.
import type {} from 'vitest';
import type { ViteUserConfig } from 'vitest/config';
import type { Settings } from '../api/program-settings.ts';
import { valuesOf } from '../api/values.ts';
import { lookAt } from '../base/files/limited-file.ts';
import { moduleFile } from '../base/files/product-files.ts';
import { HarmlessOutput } from '../base/harmless.ts';
import { timeouts } from '../base/timeouts.ts';
import { pathsOf } from '../engine/product.ts';
import { Broker } from './broker.ts';
import { socketKey, testModule } from './test-module.ts';

/** Settings that Vitest has its own ways for, and those about what is no test. */
type OwnOfVitest = 'repeat' | 'shard' | 'fail-fast' | 'jobs' | 'mutate' | 'confirm';

export interface ScenariosOptions extends Omit<Settings, OwnOfVitest> {
  /** Scenario files and folders, relative to the root of the project; without them, those of the product. */
  readonly files?: string | readonly string[] | undefined;
}

type Plugin = Extract<NonNullable<ViteUserConfig['plugins']>[number], { readonly name: string }>;

const runtime = moduleFile('vitest-plugin/runtime.ts');

/**
 * Makes the scenario files of a Vitest project its test files. They run one after the other on one mesh, which is set up
 * when the first of them is run, and taken down at the end. Give them a project of their own:
 *
 * @example
 * projects: [{ plugins: [scenarios({ files: 'my-scenarios', target: 'local' })], test: { name: 'scenarios' } }]
 *
 * @throws HarnessError E_USAGE or E_SETTINGS, when Vitest starts, for settings that mean nothing
 */
export function scenarios({ files, ...settings }: ScenariosOptions = {}): Plugin {
  const named = files === undefined ? [] : [files].flat();
  let paths: string[] = [];
  return {
    name: 'istio-jwt-e2e:scenarios',
    enforce: 'pre',
    config(config) {
      const root = resolve(config.root ?? process.cwd());
      paths = pathsOf(named, settings.profile).map((path) => resolve(root, path));
      return {
        test: {
          include: paths.map((path) => pattern(path, root)),
          // Vitest leaves out what is below any node_modules, where the scenarios of this package are.
          exclude: paths.map((path) => join(glob(path, root), '**/node_modules/**')),
          fileParallelism: false,
          isolate: false,
          server: { deps: { inline: [/\.ya?ml$/] } },
        },
      };
    },
    async configureVitest({ vitest, project }) {
      const own = { repeat: undefined, shard: undefined, mutate: undefined, confirm: undefined };
      const values = { ...valuesOf(settings), ...own };
      const people = new HarmlessOutput(process.stderr, { github: () => true });
      const cancel = () => broker.order('cut');
      const broker = new Broker(
        { values, paths, isWatching: vitest.config.watch },
        {
          log: (line) => people.write(`${line}\n`),
          // Vitest forgets who wants to know of a cancellation whenever a run begins.
          asked: () => vitest.onCancel(cancel),
        },
      );
      await broker.listen();
      project.provide(socketKey, broker.socket);
      // Taking down a kind cluster takes longer than Vitest waits otherwise.
      vitest.config.teardownTimeout = Math.max(vitest.config.teardownTimeout, timeouts.cleanUp);
      vitest.onClose(() => broker.end());
      vitest.onTestsRerun(() => broker.order('again'));
    },
    transform(code, id) {
      const [file = ''] = id.split('?');
      if (!isBelow(file, paths)) return undefined;
      const { ownFiles, ...made } = testModule(code, file, runtime);
      // Whoever watches has the verdict of a saved policy, too.
      for (const each of ownFiles) this.addWatchFile(each);
      return made;
    },
  };
}

/** Whether it is one of the files, or a YAML file in one of the folders. */
function isBelow(file: string, paths: readonly string[]): boolean {
  return /\.ya?ml$/.test(file) && paths.some((path) => file === path || file.startsWith(`${path}${sep}`));
}

/** What matches a file, or the scenarios in a folder. */
function pattern(path: string, root: string): string {
  const isFolder = lookAt(path).stat?.isDirectory() ?? !/\.ya?ml$/.test(path);
  return isFolder ? join(glob(path, root), '**/*.{yaml,yml}') : glob(path, root);
}

/** A path as a glob that matches nothing else, relative to the root when it is below it. */
function glob(path: string, root: string): string {
  const shown = relative(root, path);
  return (shown.startsWith('..') ? path : shown).replaceAll(/[$()*+?[\]{}!|\\]/g, '\\$&');
}

declare module 'vitest' {
  interface ProvidedContext {
    'istio-jwt-e2e': string;
  }
}
