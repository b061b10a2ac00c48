/** Policies of several kinds, out of which `init` writes scenarios. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const initFolder = fileURLToPath(new URL('../golden/cli/init/', import.meta.url));

export const initCases = readdirSync(initFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
