/**
 * The fault matrix: node --import ./tools/typescript.mjs test/faults/main.ts [--target NAME] [--grep PATTERN] [--shard 1/4]
 * [--quick] [--engine] [--jobs N] [--list] [--json FILE] [--continue] [--markdown FILE]
 * --continue goes on where an earlier call has been ended: cells that FILE has as ok are not tried again.
 * Exit code 0 when every cell is as it has to be, 1 when one is not, 2 for wrong usage.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { oneLine } from '../../src/base/harmless.ts';
import { type Cell, type Outcome, titleOf } from './cell.ts';
import { clusterCells } from './cluster.ts';
import { engineCells } from './engine.ts';
import { kindCells } from './kind.ts';
import { localCells } from './local.ts';
import { tableOf } from './table.ts';
import { clearUp, tryCell } from './try.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    grep: { type: 'string', multiple: true },
    shard: { type: 'string' },
    quick: { type: 'boolean' },
    engine: { type: 'boolean' },
    jobs: { type: 'string', default: '1' },
    list: { type: 'boolean' },
    json: { type: 'string' },
    continue: { type: 'boolean' },
    markdown: { type: 'string' },
  },
});

const [index = 1, of = 1] = (values.shard ?? '1/1').split('/').map(Number);
const all: readonly Cell[] = [...localCells, ...kindCells, ...clusterCells, ...engineCells];
const chosen = all
  .filter(({ target }) => values.target === undefined || values.target.includes(target))
  .filter((cell) => (values.grep ?? []).every((pattern) => new RegExp(pattern).test(titleOf(cell))))
  .filter(({ quick }) => !values.quick || quick === true)
  .filter(({ engine }) => values.engine === true || engine !== true)
  .filter((_, number) => number % of === index - 1);

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    // No other cell begins, and those that were ended by this say nothing.
    ending.abort();
    void clearUp().finally(() => process.exit(130));
  });
}

if (chosen.length === 0) {
  console.error('no cell is chosen');
  process.exitCode = 2;
} else if (values.list) {
  for (const cell of chosen) console.log(`${titleOf(cell)}  → ${cell.expected.codes.join(' or ')}`);
} else {
  await tryAll();
}

async function tryAll(): Promise<void> {
  const started = performance.now();
  const outcomes = earlier();
  const done = new Set(outcomes.map(({ cell }) => cell));
  const queue = chosen.filter((cell) => !done.has(titleOf(cell)));
  const worker = async () => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      const outcome = await tryCell(cell);
      if (ending.signal.aborted) return;
      outcomes.push(outcome);
      tell(outcome);
      // Whoever ends this program still has what there was.
      if (values.json !== undefined)
        writeFileSync(values.json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
    }
  };
  // What they have in common is only the machine.
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  const order = new Map(chosen.map((cell, number) => [titleOf(cell), number]));
  outcomes.sort((one, other) => (order.get(one.cell) ?? 0) - (order.get(other.cell) ?? 0));
  const table = tableOf(outcomes);
  console.log(`\n${table}`);
  const seconds = Math.round((performance.now() - started) / 1000);
  const count = (state: Outcome['state']) => outcomes.filter((each) => each.state === state).length;
  console.log(`${count('ok')} ok, ${count('wrong')} wrong, ${count('skipped')} skipped, ${seconds} s`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
  if (values.markdown !== undefined) writeFileSync(values.markdown, `${table}\n`);
  if (count('wrong') > 0) process.exitCode = 1;
}

/** What an earlier call has found to be ok. */
function earlier(): Outcome[] {
  if (!values.continue || values.json === undefined || !existsSync(values.json)) return [];
  const known = JSON.parse(readFileSync(values.json, 'utf8')) as Outcome[];
  return known.filter(({ state }) => state === 'ok');
}

function tell({ cell, state, wrong, exit, seconds }: Outcome): void {
  const told = exit === undefined ? '' : `  exit ${exit}`;
  console.log(`${state.padEnd(7)} ${oneLine(cell)}${told}${seconds === undefined ? '' : `  ${seconds} s`}`);
  for (const each of wrong) console.log(`        ${oneLine(each.slice(0, 600))}`);
}
