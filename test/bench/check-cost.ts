/** What a check from the sleep pod costs, and what the FAQ's own line costs, one after the other in the same minute. */
import { execa } from 'execa';
import { until } from '../../src/base/wait.ts';
import type { HttpRequest, KubeObject, Origin, Target } from '../../src/target/target.ts';
import { makeIssuerKeys } from '../../src/token/issuer-keys.ts';
import { mintTokens } from '../../src/token/mint.ts';

/** As the FAQ prints it. */
const line = String.raw`kubectl exec "$(kubectl get pod -l app=sleep -n foo -o jsonpath={.items..metadata.name})" -c sleep -n foo -- curl "http://httpbin.foo:8000/headers" -sS -o /dev/null -H "Authorization: Bearer $TOKEN" -w "%{http_code}\n"`;

const origin: Origin = { kind: 'pod', app: 'sleep', namespace: 'foo' };
const scope = 'bench';
const claims = { sub: 'testing@secure.istio.io', foo: 'bar', iat: 1532389700, exp: 4685989700 };
/** As in the scenario require-jwt, whose one step has six checks. */
const checksInBatch = 6;
/** As the runner sends each: three answers in a row, and two more. */
const roundsInBatch = 5;

export interface CheckCost {
  /** Milliseconds for one check of a batch, which is five requests; one number for each batch. */
  readonly check: readonly number[];
  /** The same for one request. */
  readonly request: readonly number[];
  /** Milliseconds for the FAQ's line, each time. */
  readonly faqLine: readonly number[];
}

/**
 * @param kubeconfig of the cluster, for kubectl
 * @throws Error when an answer is not 200: then it would not be checks that are measured
 */
export async function measureChecks(
  target: Target,
  kubeconfig: string,
  times: number,
  signal: AbortSignal,
): Promise<CheckCost> {
  await target.prepare(['httpbin', 'sleep'], signal);
  const issuer = { issuer: 'testing@secure.istio.io', algorithm: 'RS256' as const };
  const keys = await makeIssuerKeys('sample', issuer, scope);
  const tokens = await mintTokens({ valid: { issuer: 'sample', claims } }, new Map([['sample', keys]]));
  const token = tokens.get('valid')?.value ?? '';
  const requests = Array.from(
    { length: checksInBatch },
    (_, index): HttpRequest => ({
      id: `jwt-e2e/bench-${index}`,
      method: 'GET',
      url: 'http://httpbin.foo:8000/headers',
      headers: [['Authorization', `Bearer ${token}`]],
    }),
  );
  /** The first answer that is not 200. */
  const wrongAnswer = async () => {
    const rounds = await target.send(origin, requests, roundsInBatch, signal, {
      requestMs: 15_000,
      allMs: 60_000,
    });
    const wrong = rounds.flat().find(({ status }) => status !== 200);
    return wrong === undefined ? undefined : `a request was answered with ${wrong.status} ${wrong.body}`;
  };
  const batch = async () => {
    const wrong = await wrongAnswer();
    if (wrong !== undefined) throw new Error(wrong);
  };
  const env = { KUBECONFIG: kubeconfig, TOKEN: token };
  const faqLine = async () => {
    const { stdout } = await execa('sh', ['-c', line], { env, cancelSignal: signal });
    if (stdout.trim() !== '200') throw new Error(`the FAQ's line printed ${stdout}`);
  };
  try {
    await target.apply([requestAuthentication(JSON.stringify(keys.jwks()))], scope, signal);
    // Keys of a run before may still be in the proxy.
    await until('the policy', async () => (await wrongAnswer()) ?? true, { timeoutMs: 30_000, signal });
    const check: number[] = [];
    const lines: number[] = [];
    // The first of each only warms up.
    for (let time = 0; time <= times; time++) {
      const [forBatch, forLine] = [await timed(batch), await timed(faqLine)];
      if (time === 0) continue;
      check.push(forBatch / checksInBatch);
      lines.push(forLine);
    }
    return { check, request: check.map((ms) => ms / roundsInBatch), faqLine: lines };
  } finally {
    await target.undo(scope, AbortSignal.timeout(30_000));
  }
}

function requestAuthentication(jwks: string): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1beta1',
    kind: 'RequestAuthentication',
    metadata: { name: 'jwt-example', namespace: 'foo' },
    spec: {
      jwtRules: [{ issuer: 'testing@secure.istio.io', jwks }],
      selector: { matchLabels: { app: 'httpbin' } },
    },
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
