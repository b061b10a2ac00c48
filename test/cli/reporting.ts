/** A folder with reports of runs, and commands that are called in it. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { asHarnessError } from '../../src/base/errors.ts';
import type { Values } from '../../src/settings/settings.ts';
import { recorder } from '../scenario/support.ts';

type Command = (
  files: readonly string[],
  values: Values,
  io: ReturnType<typeof recorder>['io'] & { env: NodeJS.ProcessEnv; cwd: string },
) => Promise<number>;

export function workspace() {
  const cwd = mkdtempSync(join(tmpdir(), 'jwt-e2e-reporting-'));
  const write = (name: string, content: string | object): string => {
    const file = join(cwd, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  /** What it writes and returns; an error that it throws as the command line would end with it. */
  const call = async (command: Command, files: readonly string[], values: Values = {}) => {
    const { io, stdout, stderr } = recorder();
    try {
      const exitCode = await command(files, values, { ...io, env: {}, cwd });
      return { exitCode, stdout: stdout(), stderr: stderr(), error: undefined };
    } catch (thrown) {
      const error = asHarnessError(thrown);
      return { exitCode: error.exitCode, stdout: stdout(), stderr: stderr(), error };
    }
  };
  return { cwd, write, call };
}
