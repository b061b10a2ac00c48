/** `jwt-e2e schema`: the JSON schema of scenario files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../errors.ts';
import { schemaText } from '../../scenario/json-schema.ts';
import type { Output } from '../io.ts';

/** The committed copy, to which the first line of every scenario file points. */
const committed = fileURLToPath(new URL('../../../schema/scenario.schema.json', import.meta.url));

export interface SchemaOptions {
  /** Write the committed copy anew. */
  readonly write?: boolean | undefined;
  /** Only see whether the committed copy is up to date. */
  readonly check?: boolean | undefined;
  /** The committed copy, when it is somewhere else. */
  readonly file?: string | undefined;
}

/**
 * Writes the schema to `stdout`, or to its committed copy, or compares it with that.
 *
 * @returns the exit code: 0, or 1 when the committed copy is out of date
 */
export function schemaCommand(options: SchemaOptions, io: Output): number {
  const file = options.file ?? committed;
  const text = schemaText();
  if (options.check === true) {
    if (read(file) === text) return exitCodes.passed;
    io.stderr.write(
      'schema/scenario.schema.json is out of date\n  hint: Run "jwt-e2e schema --write" and commit it.\n',
    );
    return exitCodes.failed;
  }
  if (options.write === true) writeFileSync(file, text);
  else io.stdout.write(text);
  return exitCodes.passed;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
