/**
 * Checks JUnit reports: node --import ./tools/typescript.mjs test/report/validate-junit.ts FILE…
 * Exit code 0 when all are valid, 1 when one is not or cannot be read, 2 when none is named.
 */
import { readFile } from 'node:fs/promises';
import { validateJUnit } from './validate.ts';

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: node --import ./tools/typescript.mjs test/report/validate-junit.ts FILE…');
  process.exitCode = 2;
}
for (const file of files) {
  let problems: string[];
  try {
    problems = await validateJUnit(await readFile(file, 'utf8'));
  } catch (cause) {
    problems = [(cause as Error).message];
  }
  for (const problem of problems) console.error(`${file}: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`${file}: valid`);
}
