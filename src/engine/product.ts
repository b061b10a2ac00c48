/** Where the product's own files are, and which version it is. */
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { isClone, moduleFile, productRoot } from '../base/files/product-files.ts';

/** The folder that makes the mesh: cluster configuration, Istio settings, applications, versions. */
export const kindFolder = join(productRoot, 'kind');

export { appsFolder } from '../scenario/known-apps.ts';

export const versionsFile = join(kindFolder, 'versions.yaml');

/** The roles that the users of the target cluster need. */
export const rbacFolder = join(productRoot, 'docs', 'rbac');

/** The program that this is: of the sources in a clone, and of the build where the package is installed. */
export const starter = moduleFile('cli/bin.mjs');

const manifest = JSON.parse(readFileSync(join(productRoot, 'package.json'), 'utf8')) as {
  version: string;
  engines: { node: string };
};

export const productVersion = manifest.version;

/** The versions of Node.js that the product runs on, as a range. */
export const requiredNode = manifest.engines.node;

/** What was named, or else the product's own scenarios of a profile. */
export function pathsOf(files: readonly string[], profile = 'documented'): string[] {
  const folder = join(productRoot, 'scenarios');
  return files.length > 0 ? [...files] : [profile === 'all' ? folder : join(folder, profile)];
}

/** How this process was started. */
export interface Started {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The file that Node.js was told to run, as process.argv has it. */
  readonly file?: string | undefined;
}

/**
 * What stands before the name of a command, as it was typed: `npm run jwt-e2e --`, `npx jwt-e2e`, `jwt-e2e` or the file.
 * npm says in variables what it was asked for (docs.npmjs.com/cli, "scripts").
 */
export function programName({ cwd, env, file = process.argv[1] }: Started): string {
  if (isClone) {
    const isScript =
      env.npm_command === 'run-script' && /^(?:jwt-e2e|e2e)$/.test(env.npm_lifecycle_event ?? '');
    return isScript ? 'npm run jwt-e2e --' : `node ${relative(cwd, starter)}`;
  }
  return packageProgram({ env, file });
}

/** The same for the package, wherever it is installed. */
export function packageProgram({ env, file = '' }: Omit<Started, 'cwd'>): string {
  // What npx has fetched is not there for another command: by the name of the program npx would fetch another package.
  if (/[/\\]_npx[/\\]/.test(file)) return 'npx istio-jwt-e2e';
  const isInPath = (env.PATH ?? '').split(delimiter).includes(dirname(file));
  return isInPath && !file.includes('node_modules') ? 'jwt-e2e' : 'npx jwt-e2e';
}
