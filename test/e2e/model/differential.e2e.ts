/**
 * The model of Istio's rules against the real thing: generated policies, tokens and requests, and no answer that is another
 * one. `MODEL_CASES` says how many requests, `MODEL_SEED` which ones.
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HarnessError } from '../../../src/errors.ts';
import { decide, type Situation } from '../../../src/policy/decide.ts';
import { defaultMesh, type Header, type Verification } from '../../../src/policy/input.ts';
import type { Jwt } from '../../../src/policy/jwt.ts';
import type { LocalTarget } from '../../../src/target/local/target.ts';
import type { HttpResponse, KubeObject, ProxyRef } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { localTarget } from '../local-more/local-target.ts';
import { type Case, cases, issuers, type RequestPlan, requestsPerCase, type TokenPlan } from './generate.ts';

const wanted = Number(process.env.MODEL_CASES ?? 1_200);
const seed = Number(process.env.MODEL_SEED ?? 1);
const signal = unaborted();

const keys = issuers.map((_, index) => ({
  kid: `k${index}`,
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
}));
const jwks = (issuer: string) => {
  const { kid, publicKey } = keys[issuers.indexOf(issuer as (typeof issuers)[number])]!;
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' }] });
};
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function sign(input: string, key: KeyObject): string {
  return createSign('SHA256').update(input).sign({ key, dsaEncoding: 'ieee-p1363' }, 'base64url');
}

function tokenOf({ issuer, key, header, claims, broken }: TokenPlan): string {
  const { kid, privateKey } = keys[key]!;
  const head = encoded({ alg: 'ES256', typ: 'JWT', kid, ...header });
  const payload = encoded({ iss: issuers[issuer], ...claims });
  const signature = sign(`${head}.${payload}`, privateKey);
  switch (broken) {
    case 'payload':
      return `${head}.${encoded({ iss: issuers[issuer], ...claims, sub: 'mallory' })}.${signature}`;
    case 'signature':
      return `${head}.${payload}.${signature.slice(0, -4)}AAAA`;
    case 'sections':
      return `${head}.${payload}`;
    case 'empty':
      return '';
    case 'garbage':
      return 'some.invalid.token';
    default:
      return `${head}.${payload}.${signature}`;
  }
}

/** Whether the one key of the rule verifies it; the model is told, as it is by whoever knows the keys. */
function verify(signedBy: ReadonlyMap<string, number>) {
  return ({ kid, alg, signingInput, signature }: Jwt, { issuer = '' }: { issuer?: string }): Verification => {
    const own = issuers.indexOf(issuer as (typeof issuers)[number]);
    const noKey = "Jwks doesn't have key to match kid or alg from Jwt";
    if (kid !== undefined && kid !== keys[own]?.kid) return noKey;
    if (alg !== 'ES256') return noKey;
    const token = `${signingInput}.${Buffer.from(signature).toString('base64url')}`;
    return signedBy.get(token) === own ? 'Ok' : 'Jwt verification fails';
  };
}

interface Sent {
  readonly plan: RequestPlan;
  readonly headers: readonly Header[];
  readonly path: string;
}

/** The request as curl and the model get it. */
function requestOf(plan: RequestPlan, signedBy: Map<string, number>): Omit<Sent, 'plan'> {
  const headers: [string, string][] = [
    ...plan.headers.map(([name, value]): [string, string] => [name, value]),
  ];
  let path = plan.path;
  for (const { place, plan: token } of plan.tokens) {
    const text = tokenOf(token);
    if (token.broken === 'no') signedBy.set(text, token.key);
    if (place.startsWith('?')) path += `${path.includes('?') ? '&' : '?'}${place.slice(1)}${text}`;
    else {
      const colon = place.indexOf(': ');
      headers.push([place.slice(0, colon), `${place.slice(colon + 2)}${text}`.trim()]);
    }
  }
  return { headers, path };
}

describeOnLocal('the model of policies', () => {
  let target: LocalTarget;
  let proxy: ProxyRef;
  let principal = '';
  /** Of Istio's validation: such policies are in no mesh. */
  const refusals: string[] = [];
  beforeAll(async () => {
    if (!haveLocal) return;
    target = localTarget('model');
    await target.up(signal);
    await target.prepare(['httpbin', 'sleep'], signal);
    const { pods } = await target.survey(signal);
    const pod = pods.find(({ namespace, labels }) => namespace === 'foo' && labels.app === 'httpbin')!;
    proxy = { namespace: pod.namespace, pod: pod.name, labels: pod.labels, kind: 'sidecar' };
    principal = 'cluster.local/ns/foo/sa/default';
  });
  afterAll(async () => {
    await target?.down(signal);
  });

  /** Returns once the proxy has it all. */
  async function arrived(value: string): Promise<void> {
    await target.mark(value, [proxy], signal);
    for (let left = 400; left > 0; left--) {
      const { markers, rejected } = await target.proxyPolicies(proxy, signal);
      const refused = rejected.find(({ marker }) => marker === value);
      if (refused !== undefined) throw new Error(refused.reason);
      if (markers.length > 0 && markers.every((each) => each === value)) return;
      await sleep(10);
    }
    throw new Error('the policies have not arrived');
  }

  async function differences({ policies, requests }: Case, scope: string): Promise<string[]> {
    const withKeys = policies.map((policy): KubeObject => {
      const { jwtRules, ...spec } = policy.spec as { jwtRules?: { issuer: string }[] };
      if (jwtRules === undefined) return policy;
      return {
        ...policy,
        spec: { ...spec, jwtRules: jwtRules.map((rule) => ({ ...rule, jwks: jwks(rule.issuer) })) },
      };
    });
    try {
      await target.apply(withKeys, scope, signal);
      await arrived(scope);
    } catch (thrown) {
      if (!(thrown instanceof HarnessError) || thrown.code !== 'E_REFUSED') throw thrown;
      refusals.push(thrown.message);
      await target.undo(scope, signal);
      return [];
    }
    const signedBy = new Map<string, number>();
    const sent = requests.map((plan) => ({ plan, ...requestOf(plan, signedBy) }));
    const situation: Situation = {
      mesh: defaultMesh,
      workload: proxy,
      policies: withKeys,
      verify: verify(signedBy),
    };
    const differing = async (asked: readonly Sent[]) => {
      const [answers = []] = await target.send(
        { kind: 'pod', app: 'sleep', namespace: 'foo' },
        asked.map(({ plan, headers, path }, index) => ({
          id: `${scope}-${index}`,
          method: plan.method,
          url: `http://httpbin.foo:8000${path}`,
          headers: [...headers, ['Host', plan.host] as [string, string]],
        })),
        1,
        signal,
        { requestMs: 15_000, allMs: 60_000 },
      );
      return asked.flatMap((each, index) => {
        const difference = differenceOf(each, answers[index]!, situation);
        return difference === undefined ? [] : [{ each, difference }];
      });
    };
    let left = await differing(sent);
    // The client's sidecar goes on using its connections to the listener before, which ends them within some seconds.
    for (const end = performance.now() + 8_000; left.length > 0 && performance.now() < end; ) {
      await sleep(250);
      left = await differing(left.map(({ each }) => each));
    }
    await target.undo(scope, signal);
    return left.map(({ difference }) => JSON.stringify({ ...difference, policies }, null, 1));
  }

  /** Undefined when the answer is that of the model. */
  function differenceOf(
    { plan, headers, path }: Sent,
    answer: HttpResponse,
    situation: Situation,
  ): object | undefined {
    const model = decide(
      {
        method: plan.method,
        authority: plan.host,
        path,
        headers,
        principal,
        destinationPort: 8080,
        at: Date.now() / 1000,
      },
      situation,
    );
    const { status, body } = answer;
    const www = answer.headers['www-authenticate'];
    const isOwn = status === 401 || status === 403;
    const agrees =
      model.status === 200
        ? !isOwn && status > 0
        : model.status === status && model.body === body && www === model.wwwAuthenticate;
    if (agrees) return undefined;
    const { tokens, policies: traces, decidedBy, wwwAuthenticate, unknown } = model;
    return {
      real: `${status}${isOwn ? ` ${body}` : ''}`,
      www,
      model: [model.status, model.body, wwwAuthenticate, unknown],
      decidedBy,
      request: { ...plan, path, headers },
      tokens,
      traces,
    };
  }

  test(`answers ${wanted} requests as istiod and Envoy do`, { timeout: 120_000 + wanted * 100 }, async () => {
    const count = Math.ceil(wanted / requestsPerCase);
    const found: string[] = [];
    for (const [index, each] of fc.sample(cases, { seed, numRuns: count }).entries()) {
      found.push(...(await differences(each, `m${seed}-${index}`)));
      if (found.length > 20) break;
    }
    console.log(
      `${(count - refusals.length) * requestsPerCase} requests, ${found.length} differences, ${refusals.length} refused`,
    );
    expect(refusals.length).toBeLessThan(count / 3);
    if (process.env.MODEL_DIFFERENCES !== undefined)
      writeFileSync(process.env.MODEL_DIFFERENCES, found.join('\n'));
    expect(found.slice(0, 5)).toEqual([]);
  });
});
