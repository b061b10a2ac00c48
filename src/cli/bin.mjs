#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { inspect } from 'node:util';
import { keepCompiled } from './support/compile-cache.mjs';

// Whoever reads the output may stop, as head does, the terminal may be gone, or the disk full. Nothing of that must keep a
// run from cleaning up.
let isLost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    const isUnread = 'code' in error && ['EPIPE', 'EIO'].includes(String(error.code));
    if (!isUnread && !isLost) process.stderr.write(`jwt-e2e: output is lost: ${error.message}\n`);
    isLost ||= !isUnread;
  });
}
// Node would end with 1, which says that a check has failed.
process.on('uncaughtException', (error) => {
  const { code, path = tmpdir() } = /** @type {NodeJS.ErrnoException} */ (error);
  // What makes text harmless may not have been loaded.
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const told = (isFull ? error.message : inspect(error))
    .replace(/[^\t\n -~]/g, '?')
    .replaceAll('::', ': :')
    .replaceAll('##[', '## [');
  if (isFull) {
    console.error(`${path} cannot be written: ${told} (E_FILE)`);
    console.error(`  Make room there. Temporary files are in ${tmpdir()}: TMPDIR can name another folder.`);
  } else {
    console.error('This is a mistake in jwt-e2e itself; what it has started may still be there:', told);
  }
  process.exit(4);
});

// In a clone the TypeScript sources run as they are, even when there is a build, which may be old; the package has nothing
// but the build.
const source = new URL('./main.ts', import.meta.url);
const isClone = existsSync(source);
if (isClone) await import(new URL('../../tools/typescript.mjs', import.meta.url).href);
else keepCompiled();
const { main } = isClone ? await import(source.href) : await import('./main.ts');
const exitCode = await main(process.argv.slice(2));
// Ended once everything is written: keys that are still being made, or idle connections, would hold it up for seconds.
const end = () => process.exit(isLost && exitCode === 0 ? 4 : exitCode);
// What cannot be written is told after the write.
process.stdout.write('', () => process.stderr.write('', () => setImmediate(end)));
