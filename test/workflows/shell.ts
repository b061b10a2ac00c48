/** Runs the shell text of a step as GitHub does, in a process group of its own that ends with it. */
import { spawn } from 'node:child_process';

export interface Script {
  readonly file: string;
  /** `bash` when the workflow says so, else what GitHub takes by itself. */
  readonly shell: string | undefined;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
}

/** From the first signal to the one that nothing survives, milliseconds. */
const graceMs = 60_000;

/** Whether the script ended with 0. */
export function runScript({ file, shell, cwd, env, timeoutMs, signal, write }: Script): Promise<boolean> {
  // https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
  const options = shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail'] : ['-e'];
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [...options, file], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timers: NodeJS.Timeout[] = [];
    const kill = (name: NodeJS.Signals) => {
      try {
        process.kill(-(child.pid ?? 0), name);
      } catch {
        // It has ended.
      }
    };
    const end = (why: string) => {
      write(`${why}: the step is ended\n`);
      kill('SIGTERM');
      timers.push(setTimeout(() => kill('SIGKILL'), graceMs));
    };
    const abort = () => end('interrupted');
    timers.push(setTimeout(() => end(`after ${timeoutMs / 60_000} minutes`), timeoutMs));
    signal.addEventListener('abort', abort);
    child.stdout.on('data', (chunk) => write(String(chunk)));
    child.stderr.on('data', (chunk) => write(String(chunk)));
    const done = () => {
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('close', (code) => {
      done();
      resolve(code === 0);
    });
    if (signal.aborted) abort();
  });
}
