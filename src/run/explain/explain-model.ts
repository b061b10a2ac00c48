/**
 * What the policies in the mesh say about a request that was answered otherwise than expected: at each proxy on its way,
 * by the model in src/policy.
 */
import { denied } from '../../policy/decide.ts';
import type { Verification } from '../../policy/input.ts';
import type { Jwt } from '../../policy/jwt.ts';
import { policyReasons, tokenReasons } from '../../policy/reasons.ts';
import type { JwtRule } from '../../policy/token-locations.ts';
import { verifyWith } from '../../policy/verify.ts';
import type { Snapshot } from '../proof/prove.ts';
import { refusedCall } from './agrees.ts';
import type { Explanation } from './explanation.ts';
import { decidingOf, type Hop, hopsOf, nameOfPod, type Sent } from './hops.ts';

export interface Asked extends Sent {
  readonly snapshot: Snapshot;
}

/** What came. */
export interface Came {
  readonly expected: number;
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const remedy = 'Correct the policy, the token, or what the scenario expects.';
/** More lines than these nobody reads in a message; the policies stand in the report as well. */
const most = 3;

/** Undefined when the model says nothing about it, or something else than what came. */
export function explainByModel(asked: Asked, came: Came): Explanation | undefined {
  const hops = hopsOf(asked, (jwt, rule) => verify(jwt, rule, asked));
  const deciding = decidingOf(hops);
  if (deciding === undefined) return undefined;
  const { answer } = deciding;
  const isGrpc = asked.request.headers.some(
    ([name, value]) => name.toLowerCase() === 'content-type' && value.startsWith('application/grpc'),
  );
  const grpc = isGrpc ? refusedCall[came.headers['grpc-status'] ?? ''] : undefined;
  const status = grpc ?? came.status;
  const own = grpc === undefined ? `${status} ${came.body}` : `${status} ${answer.body}`;
  const isPassed = answer.status === 200 || answer.status === 404;
  if (answer.status === undefined && came.body !== denied) return undefined;
  if (answer.status !== undefined && !isPassed && own !== `${answer.status} ${answer.body}`) return undefined;
  const lines = isPassed ? passedLines(hops, came, status) : refusalLines(deciding);
  if (lines.length === 0) return undefined;
  const where = hops.length > 1 && !isPassed ? `${nameOfPod(deciding.pod)} refuses it: ` : '';
  const told = [...deciding.notes, ...lines.slice(0, most)];
  if (grpc !== undefined)
    told.push(
      `Envoy answers a gRPC call that it refuses with 200 and grpc-status ${came.headers['grpc-status']}`,
    );
  return { cause: `${where}${[...new Set(told)].join('; ')}`, remedy };
}

function refusalLines({ answer }: Hop): string[] {
  if (answer.status !== undefined && answer.body !== denied)
    return tokenReasons(answer).filter((line) => line.includes('refused'));
  const isDenied = answer.policies.some(
    ({ action, dryRun, matched }) => action === 'DENY' && dryRun !== true && matched === true,
  );
  return policyReasons({
    ...answer,
    policies: answer.policies.filter(({ action, matched }) =>
      isDenied
        ? action === 'DENY' && matched === true
        : action === 'ALLOW' || (action === 'DENY' && matched === undefined),
    ),
  });
}

/** It was let through, and should not have been. */
function passedLines(hops: readonly Hop[], { expected }: Came, status: number): string[] {
  if (status === 401 || status === 403) return [];
  if (expected === 403) return hops.flatMap(({ answer }) => policyReasons(answer));
  if (expected !== 401) return [];
  if (!hops.some(({ answer }) => answer.tokens.some(({ place }) => place === undefined))) return [];
  const asks =
    'RequestAuthentication lets a request without a token pass, and no AuthorizationPolicy asks for one';
  return [...hops.flatMap(({ answer }) => tokenReasons(answer)), asks];
}

/** By the keys in the rule, or those that the proxy has for its issuer. What is not known is taken for good. */
function verify(jwt: Jwt, rule: JwtRule, { snapshot }: Asked): Verification {
  if (rule.jwks !== undefined && rule.jwks !== '') return verifyWith(rule.jwks, jwt);
  const providers = [...snapshot.values()].flatMap(({ policies }) => policies.providers);
  const keys = providers.find(({ issuer }) => issuer === (rule.issuer ?? ''))?.keys;
  return keys === undefined ? 'Ok' : verifyWith(JSON.stringify({ keys }), jwt);
}
