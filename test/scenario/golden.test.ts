/** What people read when a scenario file is wrong: one file for each kind of mistake, with the exact text of lint. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lintCommand } from '../../src/cli/commands/lint.ts';
import { recorder } from './support.ts';

const folder = fileURLToPath(new URL('../golden/scenario/', import.meta.url));
const cases = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('lint says what is wrong, where, and what to write instead', () => {
  test('there is a golden text for every case and no other', () => {
    const names = readdirSync(folder);
    const texts = names.filter((name) => name.endsWith('.txt')).map((name) => name.replace(/txt$/, 'yaml'));
    expect(cases.length).toBeGreaterThanOrEqual(25);
    // With UPDATE_GOLDEN=1 the texts are written below.
    if (!process.env.UPDATE_GOLDEN) expect(texts).toEqual(cases);
  });

  test.each(cases)('%s', (name) => {
    const { io, stdout } = recorder();
    const exitCode = lintCommand([name], { cwd: folder }, io);
    const golden = `${folder}${name.replace(/yaml$/, 'txt')}`;
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, stdout());
    expect(existsSync(golden), `run with UPDATE_GOLDEN=1 to write ${golden}`).toBe(true);
    expect(stdout()).toBe(readFileSync(golden, 'utf8'));
    expect(exitCode).toBe(3);
  });
});
