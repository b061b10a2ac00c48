/** Writes what explains a failed check into a folder of its own. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { stringify } from 'yaml';
import type { CheckResult } from '../events.ts';
import { nameOfError } from '../names.ts';
import type { EvidenceFile, KubeObject, Origin, Target } from '../target/target.ts';
import { timeouts } from '../timeouts.ts';
import { redact } from '../token/decode.ts';
import { within } from '../wait.ts';
import type { RunOptions } from './state.ts';

export interface EvidenceQuery {
  readonly check: CheckResult;
  /** Everything the scenario has applied so far, in order. */
  readonly applied: readonly KubeObject[];
  /** Whose proxies and log lines are wanted; of all requests when `requestId` is empty. */
  readonly request: { readonly origin: Origin; readonly url: string; readonly requestId: string } | undefined;
  readonly since: number;
  /** What is known already. */
  readonly files?: readonly EvidenceFile[] | undefined;
  /** Show signatures of tokens too. */
  readonly showTokens: boolean;
}

/**
 * Collects and writes the evidence; never throws, because a report without evidence is better than none.
 *
 * @param where the artifacts folder, and within it the folder of this mesh, when there are several
 * @returns the folder, relative to the artifacts folder
 */
export async function writeEvidence(
  target: Target,
  where: Pick<RunOptions, 'artifacts' | 'meshFolder'>,
  query: EvidenceQuery,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { check, request } = query;
  const show = query.showTokens ? (text: string) => text : redact;
  const { artifacts, meshFolder = '' } = where;
  const folder = posix.join(meshFolder, folderOf(check.id));
  const limit = within(timeouts.evidence, signal, 'collecting evidence');
  try {
    const files = [
      { name: 'manifests.yaml', content: query.applied.map((object) => stringify(object)).join('---\n') },
      { name: 'check.json', content: JSON.stringify(check, undefined, 2) },
      ...(check.request === undefined
        ? []
        : [{ name: 'request.txt', content: requestText(check, query.showTokens) }]),
      ...(query.files ?? []),
      ...(request === undefined
        ? []
        : await target.evidence({ ...request, since: query.since }, limit.signal)),
    ];
    mkdirSync(join(artifacts, folder), { recursive: true });
    for (const file of files) writeFileSync(join(artifacts, folder, file.name), show(file.content));
    return folder;
  } catch (thrown) {
    try {
      mkdirSync(join(artifacts, folder), { recursive: true });
      writeFileSync(join(artifacts, folder, 'not-collected.txt'), show(nameOfError(thrown)));
      return folder;
    } catch {
      return undefined;
    }
  } finally {
    limit.done();
  }
}

/** A name that every file system takes; rows such as `/a/b` and `/a-b` must not share a folder. */
export function folderOf(id: string): string {
  const name = id.replace(/[^\w@.=-]+/g, '-').slice(0, 180);
  return `${name}-${createHash('sha256').update(id).digest('hex').slice(0, 6)}`;
}

function requestText(check: CheckResult, showTokens: boolean): string {
  const { request, response } = check;
  const lines = [
    '# Paste this into a shell to send the request again.',
    ...(showTokens ? [] : ['# The signature of the token is left out: run with --show-tokens to have it.']),
    request?.curl ?? '',
    '',
    `expected: ${check.expected}`,
    `actual:   ${check.actual ?? 'no answer'}`,
  ];
  if (request?.token !== undefined)
    lines.push('', `token "${request.token.name}":`, JSON.stringify(request.token, undefined, 2));
  if (response !== undefined) {
    lines.push('', `HTTP ${response.status}`);
    for (const [name, value] of Object.entries(response.headers)) lines.push(`${name}: ${value}`);
    lines.push('', response.body);
  }
  return `${lines.join('\n')}\n`;
}
