#!/usr/bin/env node
import { existsSync } from 'node:fs';

// Whoever reads the output may stop, as head does. That must not keep a run from cleaning up.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
  });
}
// Node would end with 1, which says that a check has failed.
process.on('uncaughtException', (error) => {
  console.error('This is a mistake in jwt-e2e itself; what it has started may still be there:', error);
  process.exit(4);
});

// In a clone the TypeScript sources run as they are, even when there is a build, which may be old; the package has nothing
// but the build.
const source = new URL('../../src/cli/main.ts', import.meta.url);
const isClone = existsSync(source);
if (isClone) {
  // What has a thousand files is loaded before: on Node.js 20 each file that comes after takes a moment longer.
  if (['run', 'up', 'down', 'doctor'].includes(process.argv[2] ?? ''))
    await import('@kubernetes/client-node');
  await import(new URL('../../tools/typescript.mjs', import.meta.url).href);
}
const { main } = isClone ? await import(source.href) : await import('./main.ts');
const exitCode = await main(process.argv.slice(2));
// Ended once everything is written: keys that are still being made, or idle connections, would hold it up for seconds.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
