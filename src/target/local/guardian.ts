/**
 * Ends what was started when this process ends without having done so itself, even by SIGKILL. A small shell reads from
 * a pipe which processes there are; when the pipe closes, because its other end is gone, it kills them and does the rest:
 * it deletes the folder of a local mesh, or removes a kind cluster.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** `+ pid` and `- pid` keep the list, a negative number for a group; `.` lets all go on. */
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
`;

/** What is done in the end, by a shell. */
export interface Rest {
  readonly script: string;
  /** $1 and so on. */
  readonly args: readonly string[];
}

export class Guardian {
  readonly #shell: ChildProcess;
  readonly #ended: Promise<void>;

  /** @param rest what is done at the end, or a folder, which is deleted then */
  constructor(rest: string | Rest) {
    const { script: last, args } =
      typeof rest === 'string' ? { script: 'rm -rf -- "$1"', args: [rest] } : rest;
    // A session of its own: Ctrl-C at a terminal reaches every process of its group.
    this.#shell = spawn('/bin/sh', ['-c', `${script}${last}`, 'guardian', ...args], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      this.#shell.once('exit', () => resolve());
      this.#shell.once('error', () => resolve());
    });
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
  }

  add(pid: number): void {
    this.#shell.stdin?.write(`+ ${pid}\n`);
  }

  remove(pid: number): void {
    this.#shell.stdin?.write(`- ${pid}\n`);
  }

  /** There is nothing to be done any more: everything stays as it is. */
  letGo(): void {
    this.#shell.stdin?.end('.\n');
  }

  /** Kills what is left, does the rest, and returns when that is done. */
  async end(): Promise<void> {
    this.#shell.ref();
    this.#shell.stdin?.end();
    await this.#ended;
  }
}
