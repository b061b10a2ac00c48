/** Reads answers to `tags/list` (OCI distribution specification, end-8). */
import { z } from 'zod';
import { parseJson } from './json.ts';

/** Registries say null instead of an empty list. */
const tagList = z.object({ tags: z.array(z.string()).nullable() });

/** The tags in an answer; undefined when it is no list of tags. */
export function tagsIn(text: string): string[] | undefined {
  const parsed = tagList.safeParse(parseJson(text));
  return parsed.success ? (parsed.data.tags ?? []) : undefined;
}

/**
 * Where the next tags are, from the header Link (RFC 8288): the path behind the name of the repository. Only the query is
 * taken from the header, so that it cannot lead to another host. Undefined on the last page.
 */
export function nextPage(header: string | string[] | undefined): string | undefined {
  const links = [header ?? []].flat().join(', ');
  const query = /<[^<>?]*(\?[^<>]*)>\s*;[^,]*\brel="?next\b/i.exec(links)?.[1];
  return query === undefined ? undefined : `tags/list${query}`;
}
