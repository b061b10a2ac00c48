/** Differences that are known and explained: test/compare/explained.yaml. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const schema = z.array(
  z.strictObject({
    /** A check's ID, in which `*` stands for any text. */
    check: z.string().min(1),
    /** Why the meshes may answer differently here. */
    why: z.string().min(1),
  }),
);

/** One entry of the file, and whether it has explained anything. */
export class Explanation {
  readonly check: string;
  readonly why: string;
  readonly #pattern: RegExp;
  isUsed = false;

  constructor({ check, why }: { readonly check: string; readonly why: string }) {
    this.check = check;
    this.why = why;
    const source = check
      .split('*')
      .map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('.*');
    this.#pattern = new RegExp(`^${source}$`, 's');
  }

  /** Whether it is about the check with this ID. */
  covers(id: string): boolean {
    return this.#pattern.test(id);
  }
}

/** @throws Error that names the file and what is wrong in it */
export function readExplained(file: string): Explanation[] {
  let data: unknown;
  try {
    data = parse(readFileSync(file, 'utf8'));
  } catch (thrown) {
    throw new Error(`${file}: ${(thrown as Error).message}`);
  }
  const { success, data: entries, error } = schema.safeParse(data ?? []);
  if (!success) {
    throw new Error(`${file}: must be a list of { check, why }:\n${z.prettifyError(error)}`);
  }
  return entries.map((entry) => new Explanation(entry));
}
