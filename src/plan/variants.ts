/** The fetch modes in which a scenario runs, each with a name of its own. */
import type { FetchMode } from '../base/events.ts';

export interface Variant {
  /** Unique in a run: the name, and `@` with the fetch mode when there are several. */
  readonly id: string;
  /** Undefined: it runs in whatever mode there is. */
  readonly fetch: FetchMode | undefined;
}

export function variantsOf({
  name,
  mesh,
}: {
  readonly name: string;
  readonly mesh?: { readonly fetch?: readonly FetchMode[] | undefined } | undefined;
}): Variant[] {
  const modes = mesh?.fetch ?? [];
  if (modes.length === 0) return [{ id: name, fetch: undefined }];
  return modes.map((fetch) => ({ id: modes.length === 1 ? name : `${name}@${fetch}`, fetch }));
}
