/** Where the product's own files are, and which version it is. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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

/** What to write before the name of a command so that it works where one is: in a clone, and where the package is installed. */
export function programName(cwd: string): string {
  return isClone ? `node ${relative(cwd, starter)}` : 'npx jwt-e2e';
}
