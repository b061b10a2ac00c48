/** Writes what explains a failed check into a folder of its own. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { CheckResult, EvidenceText } from '../../base/events.ts';
import { fileError } from '../../base/files/file-error.ts';
import { nameOfError } from '../../base/names.ts';
import { timeouts } from '../../base/timeouts.ts';
import { within } from '../../base/wait.ts';
import type { EvidenceFile, EvidenceQuery, KubeObject, Target } from '../../target/target.ts';
import { shown } from '../private.ts';
import type { RunOptions } from '../steps/step-state.ts';
import { manifestYaml } from './manifests.ts';

/** Asks the target; never throws: what could not be had is said in a file. */
export async function collectEvidence(
  target: Target,
  query: EvidenceQuery,
  signal: AbortSignal,
): Promise<EvidenceFile[]> {
  const limit = within(timeouts.evidence, signal, 'collecting evidence');
  try {
    return await target.evidence(query, limit.signal);
  } catch (thrown) {
    return [{ name: 'not-collected.txt', content: nameOfError(thrown) }];
  } finally {
    limit.done();
  }
}

/**
 * Writes evidence into a folder of its own; never throws, because a report without evidence is better than none.
 *
 * @param where the artifacts folder, and within it the folder of this mesh, when there are several
 * @param applied everything the scenario has applied so far, in order
 * @param warn told when it cannot be written: the check has its result all the same
 * @returns the folder, relative to the artifacts folder, and what reports show of its files
 */
export function writeEvidence(
  where: Pick<RunOptions, 'artifacts' | 'meshFolder' | 'showTokens'>,
  seen: CheckResult,
  applied: readonly KubeObject[],
  collected: readonly EvidenceFile[],
  warn: (message: string) => void,
): Pick<CheckResult, 'evidence' | 'evidenceFiles'> {
  const { artifacts, meshFolder = '', showTokens } = where;
  const check = shown(seen, showTokens);
  const folder = posix.join(meshFolder, folderOf(check.id));
  const evidence = collected.map(({ name, content }) => ({ name, content: shown(content, showTokens) }));
  const files = [
    {
      name: 'manifests.yaml',
      content: applied.map((object) => manifestYaml(object, showTokens)).join('---\n'),
    },
    { name: 'check.json', content: JSON.stringify(check, undefined, 2) },
    ...(check.request === undefined
      ? []
      : [{ name: 'request.txt', content: requestText(check, check.request, showTokens) }]),
    ...evidence,
  ];
  const evidenceFiles = evidence.map(({ name, content }) => excerpt(name, content));
  try {
    mkdirSync(join(artifacts, folder), { recursive: true });
    for (const file of files) writeFileSync(join(artifacts, folder, file.name), file.content);
    return { evidence: folder, evidenceFiles };
  } catch (thrown) {
    const { message, hint, code } = fileError('the evidence', artifacts, thrown);
    warn(`${message}. ${hint} (${code})`);
    return { evidenceFiles };
  }
}

/** How much of a file of evidence the reports show, in characters; half from its start, half from its end. */
const longest = 12_000;

/** The file as it is when it is short, else its start and its end. */
export function excerpt(name: string, content: string): EvidenceText {
  if (content.length <= longest) return { name, text: content };
  const half = longest / 2;
  // Whole lines, where there are any.
  const start = content.slice(0, half);
  const end = content.slice(-half);
  const head = start.slice(0, start.lastIndexOf('\n') + 1) || start;
  const tail = end.slice(end.indexOf('\n') + 1) || end;
  const omitted = content.length - head.length - tail.length;
  return { name, text: `${head}… ${omitted} characters left out …\n${tail}`, omitted };
}

/** A name that every file system takes; rows such as `/a/b` and `/a-b` must not share a folder. */
export function folderOf(id: string): string {
  const name = id.replace(/[^\w@.=-]+/g, '-').slice(0, 180);
  return `${name}-${createHash('sha256').update(id).digest('hex').slice(0, 6)}`;
}

function requestText(
  check: CheckResult,
  { curl, token }: NonNullable<CheckResult['request']>,
  showTokens: boolean,
): string {
  const { response } = check;
  const lines = [
    '# Paste this into a shell to send the request again.',
    ...(showTokens ? [] : ['# The signature of the token is left out: run with --show-tokens to have it.']),
    curl,
    '',
    `expected: ${check.expected}`,
    `actual:   ${check.actual ?? 'no answer'}`,
  ];
  if (token !== undefined) lines.push('', `token "${token.name}":`, JSON.stringify(token, undefined, 2));
  if (response !== undefined) {
    lines.push('', `HTTP ${response.status}`);
    for (const [name, value] of Object.entries(response.headers)) lines.push(`${name}: ${value}`);
    lines.push('', response.body);
  }
  return `${lines.join('\n')}\n`;
}
