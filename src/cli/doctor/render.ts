/** What the doctor has found, for people and for programs. */

import { harmlessJson, oneLine } from '../../base/harmless.ts';
import { plural } from '../../report/text.ts';
import type { TargetName } from '../../settings/typed.ts';
import { alignedLines } from '../support/aligned-lines.ts';
import type { Finding } from './finding.ts';
import type { Section } from './look-all.ts';

export interface Diagnosis {
  readonly sections: readonly Section[];
  /** Targets that can be had. */
  readonly able: readonly TargetName[];
  /** Whether what was asked for can be had. */
  readonly well: boolean;
}

export function asText({ sections, able }: Diagnosis): string {
  const blocks = sections.map(({ target, findings }) => block(titleOf(target, able), findings));
  const all = sections.flatMap(({ findings }) => findings);
  const numbers = (['broken', 'warning'] as const).flatMap((state) => {
    const number = all.filter((each) => each.state === state).length;
    if (number === 0) return [];
    return state === 'broken' ? `${number} broken` : plural(number, 'warning');
  });
  const verdict =
    able.length > 0
      ? `You can run with ${able.map((target) => `--target ${target}`).join(' or ')}`
      : 'There can be no mesh here';
  const elsewhere = sections.some(({ target }) => target === 'cluster')
    ? ''
    : 'An existing cluster was not looked at: name it with --context NAME, or --kubeconfig FILE.\n';
  return `${blocks.join('\n')}\n${verdict}${numbers.length > 0 ? `; ${numbers.join(', ')}` : ''}.\n${elsewhere}`;
}

/** The same as JSON; `format` is raised when what is there changes its meaning. */
export function asJson({ sections, able, well }: Diagnosis): string {
  const machine = sections.find(({ target }) => target === undefined)?.findings ?? [];
  const targets = sections.flatMap(({ target, findings }) =>
    target === undefined ? [] : [{ target, canBeHad: able.includes(target), findings }],
  );
  return `${harmlessJson({ format: 1, ok: well, machine, targets }, 2)}\n`;
}

function titleOf(target: TargetName | undefined, able: readonly TargetName[]): string {
  if (target === undefined) return 'This machine';
  return `Target ${target}: ${able.includes(target) ? 'can be had' : 'cannot be had'}`;
}

/** A title, and below it a line for each finding, with what to do about it. */
function block(title: string, findings: readonly Finding[]): string {
  const lines = alignedLines(
    findings.map(({ name, state, version = '', text }) => [state, name, version, text].map(oneLine)),
  );
  const texts = findings.flatMap(({ remedy }, index) => {
    const line = `  ${lines[index]}`;
    return remedy === undefined ? [line] : [line, `           -> ${oneLine(remedy)}`];
  });
  return `${[title, ...texts].join('\n')}\n`;
}
