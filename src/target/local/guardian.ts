/**
 * Ends what was started when this process ends without having done so itself, even by SIGKILL. A small shell reads from
 * a pipe which processes there are; when the pipe closes, because its other end is gone, it kills them and deletes the
 * folder of the mesh. When the shell itself ends, another one takes over.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { nameOfError } from '../../names.ts';

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

/** How often another one takes over: where no shell can live, there is no use in trying on and on. */
const mostShells = 10;

export class Guardian {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  readonly #pids = new Set<number>();
  #shells = 0;
  #shell: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #ending = false;

  /** @param folder deleted at the end @param warn told when a shell has ended by itself, and what that means */
  constructor(folder: string, warn: (message: string) => void = () => {}) {
    this.#folder = folder;
    this.#warn = warn;
    this.#start();
  }

  add(pid: number): void {
    this.#pids.add(pid);
    this.#shell?.stdin?.write(`+ ${pid}\n`);
  }

  remove(pid: number): void {
    this.#pids.delete(pid);
    this.#shell?.stdin?.write(`- ${pid}\n`);
  }

  /** Kills what is left, deletes the folder, and returns when that is done. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#shell?.ref();
    this.#shell?.stdin?.end();
    await this.#ended;
  }

  #start(): void {
    this.#shells += 1;
    // A session of its own: Ctrl-C at a terminal reaches every process of its group.
    const shell = spawn('/bin/sh', ['-c', script, 'guardian', this.#folder], {
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
    const what = `the shell that ends a local mesh when this tool is killed has ended itself (${how})`;
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
