/**
 * Ends what was started when this process ends without having done so itself, even by SIGKILL. A small shell reads from
 * a pipe which processes there are; when the pipe closes, because its other end is gone, it kills them and does the rest:
 * it deletes the folder of a local mesh, or removes a kind cluster. When the shell itself ends, another one takes over.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { nameOfError } from '../../../base/names.ts';

/**
 * `+ pid` and `- pid` keep the list, a negative number for a group; `.` lets all go on. The rest waits until what was
 * killed is gone, as it may still write into a folder that is to be deleted; where there is no /proc it does not wait.
 */
const script = `
trap '' INT TERM HUP
pids=' '
while read -r what pid; do
  case $what in
    .) exit ;;
    +) pids="$pids$pid " ;;
    -) left=' '; for each in $pids; do [ "$each" = "$pid" ] || left="$left$each "; done; pids=$left ;;
  esac
done
for each in $pids; do kill -s KILL -- "$each" 2> /dev/null; done
living() {
  cat /proc/[0-9]*/stat 2> /dev/null | while read -r line; do
    pid=\${line%% *}
    set -- \${line##*) }
    case "$1 $pids" in Z*) ;; *" $pid "* | *" -$3 "*) echo "$pid" ;; esac
  done
}
tries=0
while [ $tries -lt 20 ] && [ -n "$(living)" ]; do sleep 0.1; tries=$((tries + 1)); done
`;

/** What is done in the end, by a shell. */
export interface Rest {
  readonly script: string;
  /** $1 and so on. */
  readonly args: readonly string[];
}

/** How often another one takes over: where no shell can live, there is no use in trying on and on. */
const mostShells = 10;

/** How long the shell may take in the end. */
const patienceMs = 10_000;

export class Guardian {
  readonly #rest: Rest;
  readonly #warn: (message: string) => void;
  readonly #pids = new Set<number>();
  #shells = 0;
  #shell: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #ending = false;

  /**
   * @param rest what is done at the end, or a folder, which is deleted then
   * @param warn told when a shell has ended by itself, and what that means
   */
  constructor(rest: string | Rest, warn: (message: string) => void = () => {}) {
    this.#rest = typeof rest === 'string' ? { script: 'rm -rf -- "$1"', args: [rest] } : rest;
    this.#warn = warn;
    this.#start();
  }

  /** For a process to say itself that it is there, in the words of {@link add}, as `+ pid` and a line feed. */
  get input(): Writable | 'ignore' {
    return this.#shell?.stdin ?? 'ignore';
  }

  add(pid: number): void {
    this.#pids.add(pid);
    this.#shell?.stdin?.write(`+ ${pid}\n`);
  }

  remove(pid: number): void {
    this.#pids.delete(pid);
    this.#shell?.stdin?.write(`- ${pid}\n`);
  }

  /** There is nothing to be done any more: everything stays as it is. */
  letGo(): void {
    this.#ending = true;
    this.#shell?.stdin?.end('.\n');
    // One that somebody has stopped would stay for ever.
    this.#shell?.kill('SIGCONT');
  }

  /**
   * Kills what is left, does the rest, and returns when that is done. A shell that does not do it in time, because somebody
   * has stopped it, is made to go on.
   */
  async end(): Promise<void> {
    this.#ending = true;
    const shell = this.#shell;
    shell?.ref();
    shell?.stdin?.end();
    const late = setInterval(() => shell?.kill('SIGCONT'), patienceMs);
    await this.#ended;
    clearInterval(late);
  }

  #start(): void {
    this.#shells += 1;
    // A session of its own: Ctrl-C at a terminal reaches every process of its group.
    const shell = spawn('/bin/sh', ['-c', `${script}${this.#rest.script}`, 'guardian', ...this.#rest.args], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      const done = (how: string) => {
        if (this.#shell !== shell) return;
        this.#shell = undefined;
        resolve();
        if (!this.#ending) this.#replace(how);
      };
      shell.once('exit', (code, signal) => done(signal ?? `exit code ${code}`));
      shell.once('error', (error) => done(nameOfError(error)));
    });
    shell.stdin?.on('error', () => {});
    shell.unref();
    this.#shell = shell;
    for (const pid of this.#pids) shell.stdin?.write(`+ ${pid}\n`);
  }

  #replace(how: string): void {
    const what = `the shell that ends a mesh when this tool is killed has ended itself (${how})`;
    if (this.#shells < mostShells) {
      this.#warn(`${what}; another one has taken its place`);
      this.#start();
    } else {
      this.#warn(
        `${what}; there is none now: killed by SIGKILL, this tool would leave processes of the mesh`,
      );
    }
  }
}
