/** Runs programs of others to their end: docker, kind, istioctl, go. Killed when they hang or the run ends. */
import { execa } from 'execa';
import { type ErrorCode, HarnessError } from '../base/errors.ts';
import { onAbort, throwIfAborted } from '../base/wait.ts';

export interface ToolOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The code of the error when it fails. */
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that it runs in. */
  readonly cwd?: string;
  /** Receives the lines of standard error as they come. */
  readonly onLine?: (line: string) => void;
  /** Let what the program has started itself go on when it is ended, until this process ends. */
  readonly sparesChildren?: boolean;
  /** Ends it when this process is killed: told of its number, or the negative one of its group. */
  readonly guardian?: { add(pid: number): void; remove(pid: number): void } | undefined;
}

/** From SIGTERM to SIGKILL, in milliseconds. */
const killAfter = 5000;

/** Groups that have not ended; they must not go on without us. */
const running = new Set<number>();
process.on('exit', () => {
  for (const group of running) send(-group, 'SIGKILL');
});

/** Ends a process or, by a negative number, a group. */
function stop(pid: number | undefined): void {
  if (pid === undefined) return;
  send(pid, 'SIGTERM');
  const later = setTimeout(() => {
    if (running.has(Math.abs(pid))) send(pid, 'SIGKILL');
  }, killAfter);
  later.unref();
}

function send(to: number, signal: NodeJS.Signals): void {
  try {
    process.kill(to, signal);
  } catch {
    // All have ended by themselves.
  }
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
  const child = execa(program, args, {
    reject: false,
    stdin: 'ignore',
    env: { ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.onLine === undefined ? {} : { stderr: through(options.onLine) }),
    // A process group of its own: what the program has started itself, such as docker, ends with it.
    detached: true,
  });
  const whole = options.sparesChildren === true ? 1 : -1;
  const whom = child.pid === undefined ? undefined : child.pid * whole;
  const end = () => stop(whom);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, options.timeoutMs);
  const ignore = onAbort(options.signal, () => end());
  child.once('exit', () => {
    // Who goes on may have our pipes, too.
    if (options.sparesChildren === true && (timedOut || options.signal.aborted)) {
      child.stdout.destroy();
      child.stderr.destroy();
    }
  });
  if (child.pid !== undefined) running.add(child.pid);
  if (whom !== undefined) options.guardian?.add(whom);
  const result = await child;
  if (whom !== undefined) options.guardian?.remove(whom);
  const spared = options.sparesChildren === true && (timedOut || options.signal.aborted);
  if (child.pid !== undefined && !spared) running.delete(child.pid);
  clearTimeout(timer);
  ignore();
  if (!result.failed) return result.stdout;
  throwIfAborted(options.signal);
  const command = `${program.split('/').pop()} ${args.slice(0, 2).join(' ')}`.trim();
  const output = `${result.stderr ?? ''}\n${result.stdout ?? ''}`.trim();
  const why = timedOut
    ? `took longer than ${Math.round(options.timeoutMs / 1000)} s`
    : result.signal !== undefined
      ? `was ended by ${result.signal}`
      : result.exitCode === undefined
        ? `could not be started: ${result.originalMessage ?? result.shortMessage}`
        : `failed with exit code ${result.exitCode}: ${reasonIn(output)}`;
  throw new HarnessError(options.code, `${command} ${why}`, {
    hint: options.hint,
    details: output.split('\n').slice(-40).join('\n'),
  });
}

/** A transform, as execa calls it, that shows each line to `onLine`. */
function through(onLine: (line: string) => void) {
  return function* (line: unknown) {
    onLine(String(line));
    yield line;
  };
}

const longest = 400;

/**
 * The part of the output that is most likely to be the reason, as one line: from the last line that begins with "error"
 * on, which is how these programs end; else the last line that says error, or the last one at all.
 */
function reasonIn(output: string): string {
  const lines = output.split('\n').flatMap((line) => line.trim() || []);
  const last = lines.findLastIndex((line) => /^error\b/i.test(line) && !/^error response from/i.test(line));
  const reason =
    last >= 0
      ? lines.slice(last).join(' ')
      : (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no output');
  const text = reason.replace(/^error:\s*/i, '');
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
