/** Feeds the targets, and tells of every input after which something is wrong. */
import fc from 'fast-check';
import { mayRefuse, type Target } from './targets.ts';

/** What nothing may exceed, for any input: seconds of a core, and bytes of memory. */
export const bounds = { cpuSeconds: 2, memory: 300 * 1024 * 1024 };

export interface Finding {
  readonly target: string;
  /** What makes the input again, with the target. */
  readonly seed: number;
  readonly index: number;
  readonly what: string;
  readonly input: string;
}

export interface Figures {
  readonly target: string;
  inputs: number;
  refused: number;
  slowestMs: number;
  cpuMs: number;
  /** Of the whole process at most, in bytes. */
  memory: number;
}

/** As many inputs are made of one seed. */
export const batch = 50;

/** The inputs of a seed. */
export const inputsOf = ({ inputs }: Target, seed: number) => fc.sample(inputs, { seed, numRuns: batch });

/**
 * Takes one batch of inputs.
 *
 * @param told is called before each input, so that one that never comes back can be named
 */
export async function runBatch(
  target: Target,
  seed: number,
  folder: string,
  figures: Figures,
  told: (index: number) => void = () => {},
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [index, input] of inputsOf(target, seed).entries()) {
    told(index);
    const found = (what: string) =>
      findings.push({ target: target.name, seed, index, what, input: shown(input) });
    const before = process.cpuUsage();
    const memory = process.memoryUsage().heapUsed;
    try {
      await target.take(input, folder);
    } catch (thrown) {
      figures.refused += 1;
      try {
        mayRefuse(thrown);
      } catch {
        found(thrown instanceof Error ? (thrown.stack ?? thrown.message) : `threw ${String(thrown)}`);
      }
    }
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    figures.inputs += 1;
    figures.cpuMs += ms;
    figures.slowestMs = Math.max(figures.slowestMs, ms);
    if (ms > bounds.cpuSeconds * 1000) found(`took ${Math.round(ms)} ms of a core`);
    const grown = process.memoryUsage().heapUsed - memory;
    if (grown > bounds.memory) found(`took ${Math.round(grown / 1024 / 1024)} MiB`);
  }
  return findings;
}

function shown(input: unknown): string {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text;
}
