/**
 * Ends what was started when this process ends without having done so itself, even by SIGKILL. A small shell reads from
 * a pipe which processes there are; when the pipe closes, because its other end is gone, it kills them and deletes the
 * folder of the mesh.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** `+ pid` and `- pid` keep the list. */
const script = `
trap '' INT TERM HUP
pids=' '
while read -r what pid; do
  case $what in
    +) pids="$pids$pid " ;;
    -) left=' '; for each in $pids; do [ "$each" = "$pid" ] || left="$left$each "; done; pids=$left ;;
  esac
done
for each in $pids; do kill -9 "$each" 2> /dev/null; done
rm -rf -- "$1"
`;

export class Guardian {
  readonly #shell: ChildProcess;
  readonly #ended: Promise<void>;

  /** @param folder deleted at the end */
  constructor(folder: string) {
    // A session of its own: Ctrl-C at a terminal reaches every process of its group.
    this.#shell = spawn('/bin/sh', ['-c', script, 'guardian', folder], {
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

  /** Kills what is left, deletes the folder, and returns when that is done. */
  async end(): Promise<void> {
    this.#shell.ref();
    this.#shell.stdin?.end();
    await this.#ended;
  }
}
