/** results.json: everything that is known about a run, for programs. */
import { FileReporter } from './file-reporter.ts';

/** The file holds a RunResult; see result.ts. */
export class JsonReporter extends FileReporter {
  constructor({ file }: { readonly file: string }) {
    super('JSON report', file, (result) => `${JSON.stringify(result, null, 2)}\n`);
  }
}
