/** `jwt-e2e matrix`: the jobs of a CI matrix, from kind/versions.yaml. */
import { matrix } from '../../programs/matrix.ts';
import { loadVersions } from '../../programs/versions.ts';
import type { Io } from '../io.ts';
import { versionsFile } from '../product.ts';

export function matrixCommand(io: Io): number {
  io.stdout.write(`${JSON.stringify(matrix(loadVersions(versionsFile)))}\n`);
  return 0;
}
