/** The parts of the product know each other in one direction only. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { circles, importsOf, rules, strays, violations } from './imports.ts';

function sources(): Map<string, string> {
  const paths = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(ts|mjs|js)$/.test(path));
  return new Map(paths.map((path) => [path, readFileSync(`src/${path}`, 'utf8')]));
}

test('every import in src goes in the allowed direction', () => {
  const files = sources();
  expect(files.size).toBeGreaterThan(10);
  expect(violations(files)).toEqual([]);
});

test('no file needs another one that needs it, not even for a type', () => {
  expect(circles(sources())).toEqual([]);
  const circle = {
    'a.ts': "import type { B } from './b.ts';",
    'b.ts': "const c = await import('./c/c.ts');",
    'c/c.ts': "export { a } from '../a.ts';",
    'd.ts': "import './a.ts';",
  };
  expect(circles(new Map(Object.entries(circle)))).toEqual(['a.ts → b.ts → c/c.ts → a.ts']);
});

/** Of a folder or a name: how often it is there. */
const timesOf = (values: readonly string[]) =>
  values.reduce((times, value) => times.set(value, (times.get(value) ?? 0) + 1), new Map<string, number>());

test('a folder has at most 15 files, and no two files have one name', () => {
  const files = readdirSync('src', { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const full = [...timesOf(files.map(({ parentPath }) => parentPath))].filter(([, count]) => count > 15);
  expect(full).toEqual([]);
  const names = files.map(({ name }) => name).filter((name) => !/^(index\.ts|tsconfig\.json)$/.test(name));
  expect([...timesOf(names)].filter(([, count]) => count > 1)).toEqual([]);
});

test('a file with less than 60 lines is part of the only file that imports it, unless that gets longer than 300', () => {
  expect(strays(sources())).toEqual([]);
  const long = (count: number, first = '') => `${first}${'\n'.repeat(count)}`;
  const files = (small: string, user: string, path = 'b/small.ts') =>
    new Map([
      ['b/user.ts', user],
      [path, small],
    ]);
  const user = (count: number) => long(count, "import { a } from './small.ts';");
  const found = ['b/small.ts belongs into b/user.ts'];
  expect(strays(files(long(59), user(241)))).toEqual(found);
  expect(strays(files(long(59), long(1, "import type { A } from './small.ts';")))).toEqual(found);
  expect(strays(files(long(59), long(1, "export { a } from './small.ts';")))).toEqual(found);
  expect(strays(files(long(60), user(1)))).toEqual([]);
  expect(strays(files(long(59), user(242)))).toEqual([]);
  expect(strays(files(long(59), long(1, "import './small.mjs';"), 'b/small.mjs'))).toEqual([]);
  const loaded = `${user(1)}const b = await import('./small.ts');\n`;
  expect(strays(files(long(59), loaded))).toEqual([]);
  const other = new Map([...files(long(59), user(1)), ['c.ts', "import { a } from './b/small.ts';"]]);
  expect(strays(other)).toEqual([]);
});

test('rules are about files that exist, and nothing is imported against them by way of a circle', () => {
  const reach = (part: string, seen = new Set<string>()): Set<string> => {
    for (const rule of rules[part] ?? []) {
      // Types are gone when the program runs, so they may point back.
      if (rule === '*' || rule.startsWith('type:')) continue;
      const next = rule.includes('/') ? `${rule.split('/')[0]}/` : rule;
      if (!seen.has(next)) reach(next, seen.add(next));
    }
    return seen;
  };
  for (const part of Object.keys(rules)) expect(reach(part), part).not.toContain(part);
});

describe('the checker', () => {
  const check = (path: string, source: string) => violations(new Map([[path, source]]));

  test.each([
    ['target/kind/x.ts', `import { load } from '../../scenario/load.ts';`],
    ['target/model/x.ts', `import type { Plan } from '../../plan/types.ts';`],
    ['target/x.ts', `const run = await import('../run/runner.ts');`],
    ['target/x.ts', `export * from '../report/junit.ts';`],
    ['report/junit.ts', `import { targetOf } from '../target/target.ts';`],
    ['report/junit.ts', `import '../cli/main.ts';`],
    ['run/x.ts', `import { KindTarget } from '../target/kind/kind.ts';`],
    ['run/x.ts', `import {\n  a,\n  b,\n} from "../report/junit.ts";`],
    ['plan/x.ts', `import { mint } from '../token/mint.ts';`],
    ['scenario/x.ts', `import type { Plan } from '../plan/types.ts';`],
    ['programs/x.ts', `import { client } from '../kube/client.ts';`],
    ['kube/x.ts', `import { isTarget } from '../target/target.ts';`],
    ['kube/x.ts', `import { isTarget, type Target } from '../target/target.ts';`],
    ['kube/x.ts', `import type { Kind } from '../target/kind/kind.ts';`],
    ['errors.ts', `import { stamped } from './events.ts';`],
    ['report/x.ts', `import data from '../../package.json';`],
  ])('finds a wrong import in %s: %s', (path, source) => {
    expect(check(path, source)).toHaveLength(1);
  });

  test.each([
    [
      'report/html/x.ts',
      `import type { Event } from '../../base/events.ts';\nimport { page } from '../page.ts';`,
    ],
    ['target/kind/x.ts', `import { apply } from '../../kube/objects.ts';`],
    ['run/x.ts', `import type { Target } from '../target/target.ts';`],
    ['kube/x.ts', `import type { KubeObject } from '../target/target.ts';`],
    ['kube/x.ts', `import { type KubeObject, type ObjectKey } from '../target/target.ts';`],
    ['cli/x.ts', `import { KindTarget } from '../target/kind/kind.ts';`],
    ['run/x.ts', `import { readFile } from 'node:fs/promises';\nimport * as z from 'zod';`],
    ['run/x.ts', `// import { x } from '../report/x.ts';\n/*\nimport '../report/x.ts';\n*/`],
  ])('accepts what is allowed in %s: %s', (path, source) => {
    expect(check(path, source)).toEqual([]);
  });

  test('wants a rule for every part', () => {
    expect(check('extra/x.ts', '')).toEqual(['extra/x.ts: test/imports.ts has no rule for extra/']);
  });

  test('says where, what and why', () => {
    const source = `/** Words. */\n\nimport { a } from '../base/events.ts';\nimport { b } from '../run/b.ts';\n`;
    expect(check('report/x.ts', source)).toEqual([
      'report/x.ts:4 imports run/b.ts: report/ may import base/',
    ]);
  });

  test('reads all kinds of statements, and no text that looks like one', () => {
    const source = `
import a, { type B } from './a.ts';
import * as c from "./c.ts"; // from './no.ts'
export { d } from './d.ts';
export type { E } from './e.ts';
export const f = 'from ./no.ts';
import './g.ts';
const url = 'http://no.example'; const h = () => import('./h.ts');
const text = \`
import { no } from no;
\`;`;
    expect(importsOf(source).map((each) => `${each.line} ${each.specifier} ${each.typeOnly}`)).toEqual([
      '2 ./a.ts false',
      '3 ./c.ts false',
      '4 ./d.ts false',
      '5 ./e.ts true',
      '7 ./g.ts false',
      '8 ./h.ts false',
    ]);
  });
});
