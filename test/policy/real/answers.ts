/** What a proxy has answered, beside what the model says. */
import { isDeepStrictEqual } from 'node:util';
import { decide, type Situation } from '../../../src/policy/decide.ts';
import { defaultMesh, type Header, type Workload } from '../../../src/policy/input.ts';
import { verifyWith } from '../../../src/policy/verify.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import type { RequestPlan } from './generate.ts';
import { type Sent, withKeys } from './tokens.ts';

/** What can be seen of an answer: a proxy's own have a body that is known. */
export interface Real {
  readonly status: number;
  readonly body?: string | undefined;
  readonly www?: string | undefined;
  /** Of a request that has passed, what the application says it got: headers that tokens and rules are about. */
  readonly received?: Readonly<Record<string, string>> | undefined;
}

/** A set of policies, requests, and what real istiod and Envoy have answered to each; without keys and tokens. */
export interface Recorded {
  readonly policies: readonly KubeObject[];
  readonly requests: readonly RequestPlan[];
  readonly answers: readonly Real[];
}

/** Labels of the pod that is asked. */
export const workload: Workload = { namespace: 'foo', labels: { app: 'httpbin' } };

export function situationOf(
  policies: readonly KubeObject[],
  proxy = workload,
  mesh = defaultMesh,
): Situation {
  return {
    mesh,
    workload: proxy,
    policies: withKeys(policies),
    verify: (jwt, { jwks = '' }) => verifyWith(jwks, jwt),
  };
}

/** Of the sidecar of the pod that asks. */
const principal = 'cluster.local/ns/foo/sa/default';

const followed = ['authorization', 'x-token', 'x-other', 'x-role'];

/** Of each header that is followed, all its values; tokens are others in each process. */
export function receivedOf(headers: readonly Header[]): Record<string, string> {
  const values = (name: string) =>
    headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return Object.fromEntries(
    followed.flatMap((name) => {
      const all = values(name);
      return all.length === 0 ? [] : [[name, all.join(',').replaceAll(/eyJ[\w-]*\.[\w.-]*/g, 'TOKEN')]];
    }),
  );
}

/** A token of the address is in the realm, and is another one in each process. */
export const withoutTokens = (www: string | undefined): string | undefined =>
  www?.replaceAll(/eyJ[\w-]*\.[\w.-]*/g, 'TOKEN');

/** Undefined when the answer is that of the model. */
export function differenceOf(sent: Sent, real: Real, situation: Situation): object | undefined {
  const { plan, headers, path } = sent;
  const model = decide(
    {
      method: plan.method,
      authority: plan.host,
      path,
      headers,
      principal,
      sourceAddress: 'private',
      remoteAddress: 'private',
      destinationAddress: 'private',
      destinationPort: 8080,
      at: Date.now() / 1000,
    },
    situation,
  );
  const isOwn = real.status === 401 || real.status === 403;
  const agrees =
    model.status === 200
      ? !isOwn &&
        real.status > 0 &&
        (real.received === undefined || isDeepStrictEqual(real.received, receivedOf(model.headers)))
      : model.status === real.status &&
        model.body === real.body &&
        withoutTokens(model.wwwAuthenticate) === real.www;
  if (agrees) return undefined;
  const { tokens, policies, decidedBy, status, body, wwwAuthenticate, unknown } = model;
  return {
    real,
    model: [status, body, wwwAuthenticate, unknown, status === 200 && receivedOf(model.headers)],
    decidedBy,
    request: { ...plan, path, headers },
    tokens,
    traces: policies,
  };
}
