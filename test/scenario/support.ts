import { expect } from 'vitest';
import { HarmlessOutput } from '../../src/base/harmless.ts';
import { type LoadedScenario, parseScenario } from '../../src/scenario/load.ts';

/** Streams that remember what was written to them. */
export function recorder({ isGitHub = false } = {}) {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => {
    const write = (text: string) => {
      texts[name] += text;
    };
    return new HarmlessOutput({ write }, { github: () => isGitHub });
  };
  const io = { stdout: stream('stdout'), stderr: stream('stderr') };
  return { io, stdout: () => texts.stdout, stderr: () => texts.stderr };
}

/** The scenario of a text that must be right. */
export function scenarioOf(source: string, profile = 'documented', file = 'sample.yaml'): LoadedScenario {
  const { scenario, errors } = parseScenario(source, file, profile);
  expect(errors.map(({ message, place }) => `${place?.line}: ${message}`)).toEqual([]);
  return scenario!;
}

/** The mistakes of a text, as `line:column message`. */
export function mistakesOf(source: string): string[] {
  const { errors } = parseScenario(source, 'sample.yaml');
  return errors.map(({ message, place }) => `${place?.line}:${place?.column} ${message}`);
}

/** What stands in a text at a place: from there to the end of the line. */
export function textAt(source: string, { line, column }: { line: number; column: number }): string {
  return source.split('\n')[line - 1]!.slice(column - 1);
}
