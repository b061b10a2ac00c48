/** Finds Go, and says whether it can build what we have. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coerce, gte } from 'semver';
import { HarnessError } from '../../../base/errors.ts';
import { inPath } from '../../lookup.ts';
import { runTool, type ToolOptions } from '../../tools.ts';
import type { Context } from '../sources/source-context.ts';
import type { Problem } from './source.ts';

export interface Go {
  readonly path: string;
  /** As Go says it: go1.26.8. */
  readonly version: string;
}

type Surroundings = Pick<Context, 'env' | 'signal' | 'deadlines'>;

/** Since this version Go downloads a newer one by itself when a module wants it: https://go.dev/doc/toolchain */
const firstThatSwitches = '1.21.0';

/**
 * The Go in PATH, when it is new enough for the module in `recipe` or may get itself one that is.
 *
 * @returns it, or what is wrong
 * @throws HarnessError E_INTERRUPTED
 */
export async function findGo(recipe: string, around: Surroundings): Promise<Go | Problem> {
  const path = inPath('go', around.env.PATH);
  const needed = goOf(recipe);
  const remedy = `install Go ${needed} or later (https://go.dev/doc/install)`;
  if (path === undefined) return { why: `Go ${needed} or later is not in PATH`, remedy };
  try {
    const version = await goTool(path, ['env', 'GOVERSION'], around, { GOTOOLCHAIN: 'local' });
    const number = coerce(version.replace(/^go/, ''));
    if (number === null) return { why: `${path} says its version is "${version}"`, remedy };
    const switches = gte(number, firstThatSwitches) && (await maySwitch(path, around));
    if (gte(number, needed) || switches) return { path, version };
    return { why: `${path} is Go ${number}, ${needed} or later is needed`, remedy };
  } catch (thrown) {
    if (around.signal.aborted) throw thrown;
    return { why: (thrown as Error).message, remedy };
  }
}

/** Runs Go outside of any module and returns what it prints. @throws HarnessError E_PROGRAM, E_INTERRUPTED */
export async function goTool(
  go: string,
  args: readonly string[],
  { signal, deadlines }: Surroundings,
  env: Readonly<Record<string, string>> = {},
  more: Partial<ToolOptions> = {},
): Promise<string> {
  const timeoutMs = deadlines.goMs;
  const output = await runTool(go, args, { signal, timeoutMs, code: 'E_PROGRAM', cwd: '/', env, ...more });
  return output.trim();
}

/** GOTOOLCHAIN is `local` where Go must not download another Go; distributions of Linux set it so. */
async function maySwitch(go: string, around: Surroundings): Promise<boolean> {
  return /(^|\+)(auto|path)$/.test(await goTool(go, ['env', 'GOTOOLCHAIN'], around));
}

/** The version of Go that the module wants. */
function goOf(recipe: string): string {
  const version = /^go (\d+\.\d+\.\d+)$/m.exec(readFileSync(join(recipe, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new HarnessError('E_INTERNAL', `${recipe}/go.mod names no version of Go`);
  return version;
}
