/** Decides whether a condition of a scenario holds. */
import type { FetchMode, MeshFacts } from '../base/events.ts';
import type { Condition } from '../scenario/format/schema.ts';
import { fitsPattern } from '../scenario/pattern.ts';
import { inRange } from './version-ranges.ts';

/** What conditions look at. */
export interface Circumstances {
  readonly facts: MeshFacts;
  /** The mode in which the scenario runs. */
  readonly fetch: FetchMode;
  /** Only for the cases of a cell. */
  readonly row?: string;
  readonly column?: string;
}

/**
 * Why a condition does not hold, such as "needs istio >=1.22, the mesh has 1.21.3"; undefined when it holds, as one that
 * is not given always does. A version that is not known is in no range; so `asm` never matches a mesh that is not ASM.
 */
export function whyNot(condition: Condition | undefined, circumstances: Circumstances): string | undefined {
  const { facts, fetch, row, column } = circumstances;
  const { istio, envoy, kubernetes, asm, fetch: modes, target, row: rows, column: columns } = condition ?? {};
  const reasons = [
    version('istio', istio, facts.istio),
    version('envoy', envoy, facts.envoy),
    version('kubernetes', kubernetes, facts.kubernetes),
    version('asm', asm, facts.asm, 'the mesh is not ASM'),
    oneOf(modes, fetch) ? undefined : `needs fetch mode ${either(modes)}; this mesh has ${fetch}`,
    oneOf(target, facts.target) ? undefined : `needs target ${either(target)}, this is ${facts.target}`,
    fits(rows, row) ? undefined : `is for rows ${rows}`,
    fits(columns, column) ? undefined : `is for columns ${columns}`,
  ].filter((reason) => reason !== undefined);
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

function version(
  what: string,
  range: string | undefined,
  has: string | undefined,
  otherwise = 'its version is not known',
): string | undefined {
  if (range === undefined) return undefined;
  if (has === undefined) return `needs ${what} ${range}, ${otherwise}`;
  return inRange(has, range) ? undefined : `needs ${what} ${range}, the mesh has ${has}`;
}

type OneOrMore = string | readonly string[] | undefined;
const list = (value: OneOrMore) => (typeof value === 'string' ? [value] : (value ?? []));
const oneOf = (allowed: OneOrMore, value: string) => allowed === undefined || list(allowed).includes(value);
const fits = (pattern: string | undefined, name: string | undefined) =>
  pattern === undefined || (name !== undefined && fitsPattern(name, pattern));
const either = (allowed: OneOrMore) => list(allowed).join(' or ');
