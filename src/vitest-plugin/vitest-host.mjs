import { existsSync } from 'node:fs';

// In a clone the TypeScript sources run as they are; the package has them compiled.
if (existsSync(new URL('./vitest-host-main.ts', import.meta.url)))
  await import(new URL('../../tools/typescript.mjs', import.meta.url).href);

await import('./vitest-host-main.ts');
