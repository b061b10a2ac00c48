/** What `init` writes of some objects, taken apart. */
import { parse } from 'yaml';
import type { KubeObject } from '../../src/base/kube-object.ts';
import { planFor } from '../../src/init/first-plan.ts';
import { type Written, writeScenario } from '../../src/init/write/write.ts';

export const issuer = 'https://login.example.com';

export function policy(kind: string, spec: object, metadata: object = {}): KubeObject {
  const name = kind === 'RequestAuthentication' ? 'tokens' : 'rules';
  return {
    apiVersion: 'security.istio.io/v1',
    kind,
    metadata: { name, namespace: 'shop', ...metadata },
    spec,
  };
}
export const tokens = (rule: object = {}, metadata: object = {}) =>
  policy('RequestAuthentication', { jwtRules: [{ issuer, ...rule }] }, metadata);
export const rules = (list: readonly object[], action = 'ALLOW') =>
  policy('AuthorizationPolicy', { action, rules: list });

interface Step {
  readonly name: string;
  readonly apply?: readonly KubeObject[];
  readonly from?: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<string, readonly (string | number)[]>>;
}

export interface Parsed extends Written {
  readonly tokens: Readonly<Record<string, { readonly claims?: Readonly<Record<string, unknown>> }>>;
  readonly steps: readonly Step[];
  /** What each token gets for a path, in the first table with the policies that has it, or one whose name has `step`. */
  codes(path: string, step?: string): Readonly<Record<string, number>>;
}

export function write(objects: readonly KubeObject[], namespace?: string): Parsed {
  const written = writeScenario(planFor(objects, namespace, 'here'), 'here', 'first.yaml');
  const { tokens: all = {}, steps } = parse(written.text) as Pick<Parsed, 'tokens' | 'steps'>;
  const codes = (path: string, step = '') => {
    const tables = steps.filter(
      ({ name, expect }) =>
        name.startsWith('with the policies') && name.includes(step) && expect.columns?.includes(path),
    );
    return Object.fromEntries(
      tables
        .slice(0, step === '' ? 1 : undefined)
        .flatMap(({ expect: { columns = [], ...rows } }) =>
          Object.entries(rows).map(([name, cells]) => [name, cells[columns.indexOf(path)] as number]),
        ),
    );
  };
  return { ...written, tokens: all, steps, codes };
}
