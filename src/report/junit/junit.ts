/** The JUnit report: green only after a run that came to its end. */
import { hostname } from 'node:os';
import { FileReporter } from '../file-reporter.ts';
import { junitSuites } from './junit-model.ts';
import { junitXml } from './junit-xml.ts';

export interface JUnitOptions {
  readonly file: string;
  /** Folder that evidence is relative to, as it is to be shown. */
  readonly artifacts?: string | undefined;
  /** Write `file` and `line` on every test case, for tools that read them; see junit-xml.ts. Default false. */
  readonly places?: boolean | undefined;
  /** Default: the name of this machine. */
  readonly hostname?: string | undefined;
}

export class JUnitReporter extends FileReporter {
  constructor({ file, artifacts, places, hostname: host = hostname() }: JUnitOptions) {
    super('JUnit report', file, (result) =>
      junitXml(junitSuites(result, artifacts), { hostname: host, places }),
    );
  }
}
