/**
 * JUnit suites as XML.
 *
 * There is no one JUnit schema. The ones that CI tools check against all come from Jenkins:
 *
 * - junit-10.xsd of the Jenkins xUnit plugin, which refuses a whole file that does not follow it. Since version 2.0 of
 *   the plugin (2018), `file` and `line` are not allowed on <testcase>, only `file` on <testsuite>.
 * - jenkins-junit.xsd (once junit-4.xsd), which JUnit itself tests its reports with. It has no `file` at all, wants
 *   the children of <testcase> and <testsuite> in a fixed order, and allows no attributes on <skipped>.
 *
 * What is written here is valid by both. So the reason of a skipped check is the text of <skipped>, which Jenkins and
 * others show when there is no `message`, and the place of a check is in the text of its failure, as "at: file:line",
 * where action-junit-report looks for it, and in the property scenario.file.
 *
 * Other tools do not validate but read `file` and `line` of <testcase>: GitLab links them, publish-unit-test-result-action
 * annotates them, CircleCI splits by them. For these there is the option `places`: valid by the junit-10.xsd of before
 * 2018, and not by today's. pytest has the same two dialects, xunit1 and xunit2, for the same reason. dorny/test-reporter
 * reads no attributes but lines of Java stack traces, with the folders as the package, so there is one below a failure.
 */

import type { Place } from '../../base/errors.ts';
import { oneLine, visible } from '../../base/harmless.ts';

export interface JUnitCase {
  readonly classname: string;
  readonly name: string;
  readonly durationMs: number;
  readonly place?: Place | undefined;
  readonly outcome?:
    | {
        readonly kind: 'failure' | 'error';
        readonly type: string;
        readonly message: string;
        readonly text: string;
      }
    | { readonly kind: 'skipped'; readonly message: string }
    | undefined;
  readonly output?: string | undefined;
}

export interface JUnitSuite {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly properties: readonly (readonly [name: string, value: string])[];
  readonly cases: readonly JUnitCase[];
  readonly output?: string | undefined;
}

export interface JUnitXmlOptions {
  /** The host that the checks were run on. */
  readonly hostname: string;
  /** Write `file` and `line` attributes; see above. Default false. */
  readonly places?: boolean | undefined;
}

/** The whole file. Times are written in seconds. */
export function junitXml(suites: readonly JUnitSuite[], options: JUnitXmlOptions): string {
  const cases = suites.flatMap((suite) => suite.cases);
  const { tests, failures, errors } = counts(cases);
  const time = seconds(suites.reduce((sum, suite) => sum + suite.durationMs, 0));
  return xmlDocument(
    element(
      'testsuites',
      { name: 'jwt-e2e', tests, failures, errors, time },
      suites.map((suite) => suiteElement(suite, options)),
    ),
  );
}

function suiteElement(suite: JUnitSuite, options: JUnitXmlOptions): XmlElement {
  return element(
    'testsuite',
    {
      name: oneLine(suite.name),
      ...counts(suite.cases),
      time: seconds(suite.durationMs),
      // JUnit's own reports have no time zone here, and some readers refuse one.
      timestamp: suite.startedAt.slice(0, 19),
      hostname: oneLine(options.hostname) || 'localhost',
    },
    [
      element(
        'properties',
        {},
        suite.properties.map(([name, value]) => element('property', { name: oneLine(name), value })),
      ),
      ...suite.cases.map((testcase) => caseElement(testcase, options)),
      ...(suite.output === undefined ? [] : [element('system-out', {}, suite.output)]),
    ],
  );
}

function caseElement(testcase: JUnitCase, { places }: JUnitXmlOptions): XmlElement {
  const { outcome, output, place } = testcase;
  const children: XmlElement[] = [];
  if (outcome?.kind === 'skipped')
    children.push(element('skipped', {}, oneLine(outcome.message) || 'no reason given'));
  else if (outcome !== undefined) {
    children.push(
      element(
        outcome.kind,
        { message: oneLine(outcome.message) || outcome.type, type: outcome.type },
        places === true ? outcome.text + stackFrame(place) : outcome.text,
      ),
    );
  }
  if (output !== undefined) children.push(element('system-out', {}, output));
  return element(
    'testcase',
    {
      classname: oneLine(testcase.classname),
      name: oneLine(testcase.name),
      time: seconds(testcase.durationMs),
      file: places ? place?.file : undefined,
      line: places ? place?.line : undefined,
    },
    children,
  );
}

/** `at scenarios.documented(require-jwt.yaml:48)`; empty for a file without a folder, or one that is not below here. */
function stackFrame(place: Place | undefined): string {
  const match = /^(?:\.\/)?([^./][^.]*)\/([^/]+)$/.exec(place?.file ?? '');
  const [, folders, file] = match ?? [];
  if (place === undefined || folders === undefined) return '';
  return `\nat ${folders.replaceAll('/', '.')}(${file}:${place.line})`;
}

function counts(cases: readonly JUnitCase[]): Record<'tests' | 'failures' | 'errors' | 'skipped', number> {
  const count = (kind: NonNullable<JUnitCase['outcome']>['kind']): number =>
    cases.filter(({ outcome }) => outcome?.kind === kind).length;
  return {
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  };
}

function seconds(ms: number): string {
  return (Number.isFinite(ms) ? Math.max(0, ms) / 1000 : 0).toFixed(3);
}

/** Just enough XML to write reports: elements, attributes, text. */
export interface XmlElement {
  readonly name: string;
  /** In the order in which they are written; undefined ones are left out. */
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly children: readonly XmlElement[] | string;
}

export function element(
  name: string,
  attributes: XmlElement['attributes'] = {},
  children: XmlElement['children'] = [],
): XmlElement {
  return { name, attributes, children };
}

/**
 * Text content. What {@link visible} writes out is also what XML 1.0 (production Char) has no way to write. `>` is escaped
 * too, so that `]]>` cannot appear.
 */
function escapeText(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** An attribute value for double quotes. White space but the space would be read as a space, hence the references. */
function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}

/** The document with its declaration, indented by two spaces; white space in text is kept as it is. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${lines(root, '').join('\n')}\n`;
}

function lines(node: XmlElement, indent: string): string[] {
  let tag = `${indent}<${node.name}`;
  for (const [name, value] of Object.entries(node.attributes)) {
    if (value !== undefined) tag += ` ${name}="${escapeAttribute(String(value))}"`;
  }
  if (node.children.length === 0) return [`${tag}/>`];
  if (typeof node.children === 'string') return [`${tag}>${escapeText(node.children)}</${node.name}>`];
  return [
    `${tag}>`,
    ...node.children.flatMap((child) => lines(child, `${indent}  `)),
    `${indent}</${node.name}>`,
  ];
}
