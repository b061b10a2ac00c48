/** Reads a YAML file and checks it against a schema; every error points into the file. */
import { readFileSync } from 'node:fs';
import { type Document, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { HarnessError, type Place } from '../base/errors.ts';

/** A YAML file that fits its schema. `place` tells where a value stands, for checks across fields. */
export interface Checked<T> {
  readonly value: T;
  place(path: readonly PropertyKey[]): Place;
}

/**
 * @throws HarnessError E_SETTINGS with the place, when the file cannot be read, is not YAML or does not fit
 */
export function readYaml<S extends z.ZodType>(file: string, schema: S): Checked<z.output<S>> {
  const lines = new LineCounter();
  const document = parseDocument(read(file), { lineCounter: lines });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new HarnessError('E_SETTINGS', `not valid YAML: ${broken.message.split('\n')[0]}`, {
      place: at(broken.pos[0]),
    });
  }
  const place = (path: readonly PropertyKey[]) => at(offsetOf(document, path));
  const result = schema.safeParse(document.toJS());
  if (result.success) return { value: result.data, place };
  const issue = result.error.issues[0]!;
  const field = issue.path.join('.');
  throw new HarnessError('E_SETTINGS', field === '' ? issue.message : `${field}: ${issue.message}`, {
    place: place(issue.path),
    hint: 'the comments in kind/versions.yaml say what each field is',
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HarnessError('E_SETTINGS', `cannot read ${file}: ${(cause as Error).message}`, {
      place: { file, line: 1, column: 1 },
      cause,
    });
  }
}

/** Where the value at `path` starts; for one that is not there, where the nearest value around it starts. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
    if (isPair(node) && isNode(node.key) && node.key.range) return node.key.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}
