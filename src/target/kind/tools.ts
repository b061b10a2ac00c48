/** Runs the programs of the target kind: docker, kind and istioctl. Killed when they hang or the run ends. */
import { execa } from 'execa';
import { type ErrorCode, HarnessError } from '../../errors.ts';
import { throwIfAborted } from '../../wait.ts';

export interface ToolOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The code of the error when it fails. */
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end and returns its standard output.
 *
 * @throws HarnessError with `options.code`; `details` has the last lines of what the program wrote.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<string> {
  throwIfAborted(options.signal);
  const result = await execa(program, args, {
    reject: false,
    timeout: options.timeoutMs,
    cancelSignal: options.signal,
    forceKillAfterDelay: 5000,
    stdin: 'ignore',
    env: { ...options.env },
  });
  if (!result.failed) return result.stdout;
  throwIfAborted(options.signal);
  const command = `${program.split('/').pop()} ${args.slice(0, 2).join(' ')}`.trim();
  const output = `${result.stderr ?? ''}\n${result.stdout ?? ''}`.trim();
  const why = result.timedOut
    ? `took longer than ${Math.round(options.timeoutMs / 1000)} s`
    : result.exitCode === undefined
      ? `could not be started: ${result.originalMessage ?? result.shortMessage}`
      : `failed with exit code ${result.exitCode}: ${lastLine(output)}`;
  throw new HarnessError(options.code, `${command} ${why}`, {
    hint: options.hint,
    details: output.split('\n').slice(-40).join('\n'),
  });
}

/** The line that is most likely to be the reason: the last one that says error, or the last one at all. */
function lastLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no output').trim();
}
