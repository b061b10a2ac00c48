/** What the runs of a night leave, as the nightly workflow's report job downloads it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

interface Leg {
  readonly failed?: Readonly<Record<string, string>>;
  readonly known?: number;
  /** Scenarios with a check that has no verdict. */
  readonly errors?: readonly string[];
  readonly passed?: number;
  readonly exitCode?: number | null;
  readonly outcome?: string;
  /** Of the whole run. */
  readonly problem?: string;
  /** In place of results.json; null for none. */
  readonly text?: string | null;
}

/** Legs by `ISTIO KUBERNETES`, experimental ones with a `?` at the end; undefined left nothing at all. */
export type Night = Readonly<Record<string, Leg | undefined>>;

/** Writes the folder of a night. */
export function writeNight(night: Night): { folder: string; matrix: string } {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-night-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const matrix = Object.entries(night).map(([name, leg]) => {
    const [istio = '', kubernetes = ''] = name.replace('?', '').split(' ');
    const experimental = name.endsWith('?');
    if (leg !== undefined) {
      const kind = experimental ? 'experimental' : 'required';
      const place = join(folder, kind, `istio-${istio}-kubernetes-${kubernetes}`);
      mkdirSync(place, { recursive: true });
      if (leg.text !== null)
        writeFileSync(join(place, 'results.json'), leg.text ?? JSON.stringify(resultOf(leg)));
      writeFileSync(join(place, 'outcome.txt'), `${leg.outcome ?? outcomeOf(leg)}\n`);
    }
    return { istio, kubernetes, nodeImage: 'x', experimental };
  });
  return { folder, matrix: JSON.stringify(matrix) };
}

function resultOf(leg: Leg) {
  const failed = Object.entries(leg.failed ?? {}).map(([id, message]) => ({ id, message, state: 'failed' }));
  const errors = (leg.errors ?? []).map((scenario) => ({
    id: `${scenario}/step/row/column`,
    message: 'curl ended after 20 s',
    state: 'error',
  }));
  const scenarios = [...failed, ...errors].map((check) => {
    const id = check.id.split('/')[0];
    return { info: { id }, state: check.state, checks: [{ scenario: id, ...check }] };
  });
  return {
    run: { problem: leg.problem === undefined ? undefined : { code: leg.problem, message: 'it took 7.3 s' } },
    counts: {
      passed: leg.passed ?? 10,
      failed: failed.length,
      known: leg.known,
      error: errors.length,
      skipped: 0,
    },
    scenarios,
    exitCode: leg.exitCode === undefined ? codeOf(leg) : leg.exitCode,
  };
}

function codeOf({ failed, errors, problem }: Leg): number {
  if (failed !== undefined) return 1;
  return errors === undefined && problem === undefined ? 0 : 4;
}

function outcomeOf(leg: Leg): string {
  return codeOf(leg) === 0 ? 'success' : 'failure';
}
