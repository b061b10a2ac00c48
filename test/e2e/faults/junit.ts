/** A JUnit report as a list of its cases. */
import { XMLParser } from 'fast-xml-parser';

export interface Case {
  readonly suite: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped';
  /** Attributes and text of the failure or error, or the reason of a skipped case. */
  readonly type: string;
  readonly message: string;
  readonly text: string;
}

interface Node {
  readonly '@name': string;
  readonly '@type'?: string;
  readonly '@message'?: string;
  readonly '#text'?: string;
  readonly testsuite?: Node[];
  readonly testcase?: Node[];
  readonly failure?: Node;
  readonly error?: Node;
  readonly skipped?: Node | string;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  trimValues: false,
  isArray: (name) => name === 'testsuite' || name === 'testcase',
});

export function casesOf(xml: string): Case[] {
  const { testsuites } = parser.parse(xml) as { testsuites: Node };
  return (testsuites.testsuite ?? []).flatMap((suite) =>
    (suite.testcase ?? []).map((one) => {
      const outcome = (['failure', 'error', 'skipped'] as const).find((kind) => kind in one) ?? 'passed';
      const node = outcome === 'passed' ? undefined : one[outcome];
      const {
        '@type': type = '',
        '@message': message = '',
        '#text': text = '',
      } = typeof node === 'string' ? ({ '#text': node } as Partial<Node>) : (node ?? {});
      return { suite: suite['@name'], name: one['@name'], outcome, type, message, text };
    }),
  );
}
