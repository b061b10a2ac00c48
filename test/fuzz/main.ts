/**
 * Feeds everything that reads what others have made with inputs that nobody expects:
 *
 *   npm run fuzz -- [--runs NUMBER] [--seed NUMBER] [--target NAME] [--index NUMBER]
 *
 * The same seed makes the same inputs. With --target and --index, which a finding names, it shows that one input. The work
 * is done in a process of its own, so that an input that is never done with, or fills the memory, is named, too.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { batch, bounds, type Figures, type Finding, inputsOf, runBatch } from './run.ts';
import { targets } from './targets.ts';

interface Job {
  readonly target: string;
  readonly seed: number;
  readonly batches: number;
  readonly folder: string;
}
type Message =
  | { readonly kind: 'input'; readonly seed: number; readonly index: number }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'figures'; readonly figures: Figures };

/** So long nothing need come from a process, in milliseconds: other processes may have the cores. */
const silence = 60_000;

if (process.send === undefined) await main();
else await work(JSON.parse(process.argv[2]!) as Job);

async function work({ target: name, seed, batches, folder }: Job): Promise<void> {
  const target = targets.find((each) => each.name === name)!;
  const tell = (message: Message) => process.send?.(message);
  const figures: Figures = { target: name, inputs: 0, refused: 0, slowestMs: 0, cpuMs: 0, memory: 0 };
  for (let each = 0; each < batches; each++) {
    const own = seed + each;
    const findings = await runBatch(target, own, folder, figures, (index) =>
      tell({ kind: 'input', seed: own, index }),
    );
    for (const finding of findings) tell({ kind: 'finding', finding });
  }
  figures.memory = process.resourceUsage().maxRSS * 1024;
  tell({ kind: 'figures', figures });
  process.disconnect();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string' },
      index: { type: 'string' },
    },
  });
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  const wanted = targets.filter(({ name }) => values.target === undefined || name === values.target);
  if (wanted.length === 0) throw new Error(`there is no target "${values.target}"`);
  if (values.index !== undefined) {
    console.log(inputsOf(wanted[0]!, seed)[Number(values.index)]);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-fuzz-'));
  const shares = wanted.reduce((sum, { share }) => sum + share, 0);
  let findings = 0;
  let inputs = 0;
  try {
    for (const { name, share } of wanted) {
      const batches = Math.max(1, Math.round((runs * share) / shares / batch));
      const figures = await inProcess({ target: name, seed, batches, folder }, (finding) => {
        findings += 1;
        console.log(`\n${finding.target}, --seed ${finding.seed} --index ${finding.index}: ${finding.what}`);
        console.log(finding.input);
      });
      if (figures === undefined) {
        findings += 1;
        continue;
      }
      inputs += figures.inputs;
      const { refused, slowestMs, cpuMs } = figures;
      console.log(
        `${name}: ${figures.inputs} inputs, ${refused} refused, ${(cpuMs / figures.inputs).toFixed(1)} ms each, slowest ${Math.round(slowestMs)} ms, ${Math.round(figures.memory / 1024 / 1024)} MiB`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${inputs} inputs, ${findings} findings`);
  process.exitCode = findings > 0 ? 1 : 0;
}

/** Undefined when the process had to be ended, or ended by itself; that is told. */
function inProcess(job: Job, found: (finding: Finding) => void): Promise<Figures | undefined> {
  return new Promise((resolve) => {
    // For the inputs, which are made there as well, and for what is made of them.
    const most = bounds.memory / 1024 / 1024;
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(job)], {
      execArgv: [...process.execArgv, `--max-old-space-size=${most}`],
    });
    let at = '';
    let figures: Figures | undefined;
    let why = 'the process ended';
    const isDead = () => {
      why = 'it is never done with';
      child.kill('SIGKILL');
    };
    let timer = setTimeout(isDead, silence);
    child.on('message', (message: Message) => {
      clearTimeout(timer);
      timer = setTimeout(isDead, silence);
      if (message.kind === 'input') at = `--seed ${message.seed} --index ${message.index}`;
      else if (message.kind === 'finding') found(message.finding);
      else figures = message.figures;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (figures === undefined) console.log(`\n${job.target}, ${at}: ${why} (${signal ?? code})`);
      resolve(figures);
    });
  });
}
