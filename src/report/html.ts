/** report.html: everything that is known about a run, for people. */
import path from 'node:path';
import { FileReporter } from './file-reporter.ts';
import { pathAddress } from './html/markup.ts';
import { renderHtml } from './html/page.ts';
import type { HtmlOptions } from './html/page-options.ts';

/** One page that needs no server, no network and no other file. */
export class HtmlReporter extends FileReporter {
  /**
   * @param options.artifacts the folder of evidence, which failed checks link to; both paths are relative to the
   * working folder
   * @param options.title what the page is called; default: what was tested
   * @param options.given flags of the run that commands to run next should have, too
   * @param options.program how this program was started, for those commands
   */
  constructor({ file, artifacts, ...options }: { readonly file: string } & HtmlOptions) {
    const folder =
      artifacts === undefined
        ? undefined
        : pathAddress(path.relative(path.dirname(path.resolve(file)), path.resolve(artifacts)) || '.');
    super('HTML report', file, (result) => renderHtml(result, { ...options, artifacts: folder }));
  }
}
