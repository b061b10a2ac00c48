/** Runs tests in a thread that stays: the sources are loaded once, and what is below test/ for every run. */
import { TestRunner } from 'vitest';

interface Module {
  readonly file: string;
}
interface WorkerState {
  readonly evaluatedModules: {
    readonly idToModuleMap: ReadonlyMap<string, Module>;
    invalidateModule(module: Module): void;
  };
}

export default class WarmRunner extends TestRunner {
  override importFile(...args: Parameters<TestRunner['importFile']>): ReturnType<TestRunner['importFile']> {
    if (args[1] === 'setup') {
      const { evaluatedModules } = (this as unknown as { workerState: WorkerState }).workerState;
      for (const module of evaluatedModules.idToModuleMap.values())
        if (/\/test\/(?!.*\/node_modules\/)/.test(module.file)) evaluatedModules.invalidateModule(module);
    }
    return super.importFile(...args);
  }
}
