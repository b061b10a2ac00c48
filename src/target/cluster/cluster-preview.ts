/** What a run is going to do to a cluster, in words, for `--dry-run`. */

import { nameOfKey } from '../../base/names.ts';
import { keyOf } from '../../kube/objects.ts';
import type { KubeObject, PreviewPart } from '../target.ts';
import { foreignLines, type Touch } from './touch.ts';

export interface Outlook {
  readonly context: string;
  readonly touches: readonly Touch[];
  /** Namespaces of this tool that are there already. */
  readonly existing: readonly string[];
  /** Objects with marks of a run that was killed. */
  readonly marked: readonly KubeObject[];
  readonly keep: boolean;
  readonly reuse: boolean;
  readonly yes: boolean;
}

/** The parts in the order in which things would happen. */
export function previewParts(outlook: Outlook): PreviewPart[] {
  const { context, touches, existing, marked, keep, reuse, yes } = outlook;
  const of = (own: boolean) => touches.filter((touch) => touch.own === own);
  const created = of(true).filter(({ key, change }) => key.kind === 'Namespace' && change === 'created');
  const names = created.map(({ key }) => key.name);
  const foreign = foreignLines(touches);
  const parts: PreviewPart[] = [
    {
      title: 'First, what an earlier run has left',
      lines: [
        ...(reuse ? [] : existing.map((name) => `delete Namespace ${name} with everything in it`)),
        ...marked.map((object) => `put back ${nameOfKey(keyOf(object))}`),
      ],
    },
    { title: `Namespaces of its own in ${context}`, lines: namespaceLines(names, reuse ? existing : []) },
    {
      title: 'In them',
      lines: of(true)
        .filter(({ key }) => key.kind !== 'Namespace')
        .map(lineOf),
      refused: refusedIn(of(true)),
    },
    {
      title: yes
        ? 'Not its own, allowed by --yes'
        : 'Not its own: the run would be refused (E_NOT_OWNED) unless --yes allows it',
      lines: foreign.length === 0 ? [] : of(false).map(lineOf),
      isForbidden: !yes,
      refused: refusedIn(of(false)),
    },
    { title: 'At the end', lines: endLines(names, of(false), keep) },
  ];
  return parts.filter(({ lines }) => lines.length > 0);
}

function namespaceLines(created: readonly string[], reused: readonly string[]): string[] {
  return [
    ...created.map((name) => `create Namespace ${name}`),
    ...reused.map((name) => `use Namespace ${name}, which an earlier run has kept`),
  ];
}

function refusedIn(touches: readonly Touch[]): string[] {
  return touches.flatMap(({ key, change }) => (change === 'refused' ? [nameOfKey(key)] : []));
}

const verbs = {
  created: 'create',
  changed: 'change',
  unchanged: 'leave unchanged',
  deleted: 'delete',
  refused: 'apply',
} as const;

function lineOf({ key, change, note }: Touch): string {
  const more = note === undefined ? '' : change === 'refused' ? ` (${note})` : ` (warning: ${note})`;
  return `${verbs[change]} ${nameOfKey(key)}${more}`;
}

function endLines(created: readonly string[], foreign: readonly Touch[], keep: boolean): string[] {
  const names = (change: Touch['change']) => [
    ...new Set(foreign.filter((touch) => touch.change === change).map(({ key }) => nameOfKey(key))),
  ];
  return [
    'undo what scenarios have applied, after each of them',
    ...(keep
      ? created.map((name) => `keep Namespace ${name} with its applications`)
      : created.map((name) => `delete Namespace ${name} with everything in it`)),
    ...names('created').map((name) => `delete ${name}`),
    ...names('changed').map((name) => `put back ${name}`),
    ...names('deleted').map((name) => `create ${name} again`),
  ];
}
