/** Reads a conformance report back, and says what is wrong with a file that is none. */
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { HarnessError } from '../../base/errors.ts';
import { limits, sizeText } from '../../base/files/limits.ts';
import { excessOf, expandedExcess, sameKey } from '../../base/files/yaml-bounds.ts';
import { apiVersion, type ConformanceReport, conformanceSchema, kind } from '../schema/conformance-schema.ts';
import { checkId, type MeshVerdicts, type Verdict } from './conformance-verdicts.ts';

/**
 * The verdicts of every mesh in the file, in its order.
 *
 * @param file as it is to be named in messages
 * @throws HarnessError E_USAGE when it is not YAML, no conformance report, of another version or damaged
 */
export function parseConformance(text: string, file: string): MeshVerdicts[] {
  if (text.length > limits.conformanceBytes) {
    throw refused(
      file,
      `is larger than the ${sizeText(limits.conformanceBytes)} that a conformance report may have`,
    );
  }
  const excess = excessOf(text, limits.conformanceEntries);
  if (excess !== undefined) {
    const line = text.slice(0, excess.offset).split('\n').length;
    throw refused(file, `cannot be read: line ${line}: ${excess.message}`);
  }
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false };
  const documents = parseAllDocuments(text, options);
  const list = Array.isArray(documents) ? documents : [];
  return list.map((document) => {
    const [broken] = document.errors;
    if (broken !== undefined) {
      const { line } = lines.linePos(broken.pos[0]);
      throw refused(file, `is not YAML: line ${line}: ${broken.message}`);
    }
    const twice = sameKey(document);
    if (twice !== undefined) {
      const { line } = lines.linePos(twice);
      throw refused(file, `is not YAML: line ${line}: Map keys must be unique`);
    }
    return verdictsOf(checked(dataOf(document, file), file));
  });
}

/** Aliases are followed only here: those that lead nowhere, and those that would fill the memory, are refused. */
function dataOf(document: Document, file: string): unknown {
  const excess = expandedExcess(document, limits.conformanceEntries);
  if (excess !== undefined) throw refused(file, `cannot be read: ${excess.message}`);
  try {
    return document.toJS({ maxAliasCount: -1 });
  } catch (thrown) {
    throw refused(file, `is not YAML: ${(thrown as Error).message}`);
  }
}

function checked(data: unknown, file: string): ConformanceReport {
  const head = Object(data) as { apiVersion?: unknown; kind?: unknown };
  if (head.kind !== kind) throw refused(file, `is no conformance report: its kind is not ${kind}`);
  if (head.apiVersion !== apiVersion) {
    throw new HarnessError('E_USAGE', `${file} is of ${head.apiVersion}, this program reads ${apiVersion}`, {
      hint: 'Use the version of istio-jwt-e2e that wrote it (its toolVersion), or one that is newer.',
    });
  }
  const { data: report, error } = conformanceSchema.safeParse(data);
  if (report !== undefined) return report;
  const [issue] = error.issues;
  throw refused(file, `is damaged: ${issue?.path.join('.')}: ${issue?.message}`);
}

function refused(file: string, why: string): HarnessError {
  return new HarnessError('E_USAGE', `${file} ${why}`, {
    hint: 'Name a file that "jwt-e2e run" has written with --conformance or --json.',
  });
}

function verdictsOf(report: ConformanceReport): MeshVerdicts {
  const { implementation, environment, profiles, findings, problem } = report;
  const { version: istio, asm } = implementation;
  const { mesh, target, envoy, kubernetes, fetch } = environment;
  const isTested = istio !== undefined && target !== undefined;
  return {
    mesh,
    facts: isTested ? { istio, asm, target, envoy, kubernetes, fetch } : undefined,
    toolVersion: report.toolVersion,
    date: report.date,
    state: report.state,
    problem,
    verdicts: cellsOf(report),
    incomplete: profiles.flatMap(({ name, notRun = [] }) =>
      notRun.map((each) => ({ ...each, profile: name })),
    ),
    findings,
  };
}

function cellsOf({ answers, profiles }: ConformanceReport): Map<string, Verdict> {
  const reasons = reasonsOf(profiles);
  const verdicts = new Map<string, Verdict>();
  for (const [scenario, steps] of Object.entries(answers)) {
    for (const [step, rows] of Object.entries(steps)) {
      for (const [row, columns] of Object.entries(rows)) {
        for (const [column, cell] of Object.entries(columns)) {
          const at = { scenario, step, row, column };
          const id = checkId(at);
          const {
            state,
            answer,
            expected = '',
          } = typeof cell === 'object' ? cell : { state: 'passed' as const, answer: cell };
          verdicts.set(id, {
            ...at,
            state,
            expected: String(expected),
            answer: answer === undefined ? undefined : String(answer),
            reason: reasons.get(id),
          });
        }
      }
    }
  }
  return verdicts;
}

/** Why checks did not pass, by id. */
function reasonsOf(profiles: ConformanceReport['profiles']): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const { failed = [], known = [], error = [], skipped = [] } of profiles) {
    for (const { check, reason } of [...failed, ...known]) reasons.set(check, reason);
    for (const { checks, reason } of [...error, ...skipped]) {
      for (const check of checks) reasons.set(check, reason);
    }
  }
  return reasons;
}
