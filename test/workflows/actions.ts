/** What stands for the actions of GitHub when a job runs here: artifacts are folders, a checkout is a copy. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Places {
  /** Working copy of the project that a checkout copies. */
  readonly source: string;
  readonly workspace: string;
  /** One folder for each artifact. */
  readonly artifacts: string;
}

type Inputs = Readonly<Record<string, string>>;

/** By name; each returns one line about what it did. @throws Error as the action would fail */
const actions: Readonly<Record<string, (inputs: Inputs, places: Places) => string>> = {
  'actions/checkout': checkout,
  'actions/setup-node': () => `Node.js ${process.version} of this machine`,
  'actions/upload-artifact': upload,
  'actions/download-artifact': download,
};

/** Does what a step with `uses` does; what nothing here stands for is left out, and said so. */
export function useAction(uses: string, inputs: Inputs, places: Places): string {
  const name = uses.split('@')[0] ?? uses;
  return actions[name]?.(inputs, places) ?? `${name} is left out here`;
}

/** Everything that git has or would add. */
function checkout(_: Inputs, { source, workspace }: Places): string {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', list, { cwd: source, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const there = files.split('\0').filter((file) => file !== '' && existsSync(join(source, file)));
  for (const file of there) {
    mkdirSync(dirname(join(workspace, file)), { recursive: true });
    cpSync(join(source, file), join(workspace, file), { verbatimSymlinks: true });
  }
  return `${there.length} files`;
}

/** One folder or one file, which is all that the workflows need. */
function upload({ name = 'artifact', path = '', ...more }: Inputs, { workspace, artifacts }: Places): string {
  if (/[\n*!]/.test(path.trim())) throw new Error(`"${path}": only one file or folder can be uploaded here`);
  const from = join(workspace, path.trim());
  if (!existsSync(from)) {
    if (more['if-no-files-found'] === 'error') throw new Error(`there is no ${path} to upload`);
    return `there is no ${path} to upload`;
  }
  const to = join(artifacts, name);
  if (existsSync(to)) throw new Error(`there is an artifact ${name} already`);
  // The root of an artifact is the folder itself, and the folder of a single file.
  const isFolder = statSync(from).isDirectory();
  mkdirSync(to, { recursive: true });
  cpSync(from, isFolder ? to : join(to, basename(from)), { recursive: true });
  return `${path.trim()} as ${name}`;
}

function download({ name, pattern = '*', path = '.', ...more }: Inputs, places: Places): string {
  const { workspace, artifacts } = places;
  const wanted = new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  const all = existsSync(artifacts) ? readdirSync(artifacts).sort() : [];
  const found =
    name === undefined ? all.filter((each) => wanted.test(each)) : all.filter((each) => each === name);
  if (name !== undefined && found.length === 0) throw new Error(`there is no artifact ${name}`);
  const isFlat = name !== undefined || more['merge-multiple'] === 'true';
  for (const each of found) {
    cpSync(join(artifacts, each), join(workspace, path, isFlat ? '' : each), { recursive: true });
  }
  return found.join(', ') || 'no artifacts';
}
