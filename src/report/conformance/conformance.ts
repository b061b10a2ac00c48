/**
 * The conformance report: what each mesh does of what documents promise, in YAML, in the manner of the Gateway API's
 * ConformanceReport. There is nothing in it that differs from run to run but the day, so that it can be committed.
 */
import { Document, isMap, visit } from 'yaml';
import { FileReporter } from '../file-reporter.ts';
import type { RunResult } from '../result.ts';
import { conformanceReport } from './conformance-model.ts';
import { meshVerdicts } from './conformance-verdicts.ts';

const head = ` What Istio does of what documents promise about JWT authentication, made by jwt-e2e.
 "jwt-e2e diff OLD NEW" says what changed from one report to another.`;

/** One YAML document for each mesh. */
export function conformanceYaml(result: RunResult): string {
  return meshVerdicts(result)
    .map((mesh, index) => {
      const document = new Document(conformanceReport(mesh), {
        aliasDuplicateObjects: false,
        keepUndefined: false,
      });
      if (index === 0) document.commentBefore = head;
      document.directives = undefined;
      inRows(document);
      return document.toString({ lineWidth: 0 });
    })
    .join('---\n');
}

/** Rows of a table, and numbers that belong together, stand in one line. */
function inRows(document: Document): void {
  visit(document, {
    Map(_, node, path) {
      const isStatistics = node.has('passed') && node.has('notRun');
      const depth = path.filter((each) => isMap(each)).length;
      const isRow = depth === 4 && isBelowAnswers(path);
      if (isStatistics || isRow) node.flow = true;
    },
  });

  function isBelowAnswers(path: readonly unknown[]): boolean {
    const { contents } = document;
    const answers = isMap(contents) ? contents.get('answers', true) : undefined;
    return path.includes(answers);
  }
}

export class ConformanceReporter extends FileReporter {
  constructor({ file }: { readonly file: string }) {
    super('conformance report', file, conformanceYaml);
  }
}
