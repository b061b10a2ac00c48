/** Results of runs for the commands of the pages that read some. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConformanceReporter } from '../../src/report/conformance/conformance.ts';
import { ResultModel } from '../../src/report/model.ts';
import type { RunResult } from '../../src/report/result.ts';
import { passed } from '../report/runs.ts';

/**
 * Writes every file that a command line of `diff` or `report` reads, and a results.json into every folder. Each is of
 * another Istio, so that they are several meshes.
 *
 * @param commands the arguments of jwt-e2e
 */
export function writeResults(folder: string, commands: readonly (readonly string[])[]): void {
  const reading = commands.filter(([name]) => name === 'diff' || name === 'report');
  for (const [index, path] of [...new Set(reading.flatMap(operands))].entries()) {
    const result = passedOn(`1.31.${index}`);
    const file = join(folder, /\.(json|yaml)$/.test(path) ? path : join(path, 'results.json'));
    mkdirSync(dirname(file), { recursive: true });
    if (file.endsWith('.yaml')) new ConformanceReporter({ file }).write(result);
    else writeFileSync(file, JSON.stringify(result));
  }
}

/** What is no flag and no value of one. */
function operands([, ...rest]: readonly string[]): string[] {
  return rest.filter((word, index) => {
    const before = rest[index - 1];
    return !word.startsWith('--') && before?.startsWith('--') !== true;
  });
}

function passedOn(istio: string): RunResult {
  const model = new ResultModel();
  for (const event of passed) model.add(event);
  const result = model.result();
  return { ...result, meshes: result.meshes.map((mesh) => ({ ...mesh, istio })) };
}
