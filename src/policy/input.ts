/** What the answer of a proxy depends on, and what the answer is. Objects are as the API server has them. */
import type { Truth } from './match/truth.ts';

/** Modes of MeshConfig.pathNormalization; DEFAULT is BASE (pilot/pkg/networking/core/listener_builder.go). */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

export interface Mesh {
  readonly rootNamespace: string;
  /** The first is the mesh's own; the others are its aliases. */
  readonly trustDomains: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** A condition on a header that is there several times looks at each value, not at all of them with commas between. */
  readonly takesHeadersApart: boolean;
  /** `..;a` in a path is followed as `..` is. */
  readonly ignoresParametersOfDots: boolean;
}

export const defaultMesh: Mesh = {
  rootNamespace: 'istio-system',
  trustDomains: ['cluster.local'],
  pathNormalization: 'BASE',
  takesHeadersApart: true,
  ignoresParametersOfDots: true,
};

/** What policies are attached to. */
export interface Workload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type Header = readonly [name: string, value: string];

/** A request as it arrives at a proxy. What is undefined is not known, unless it is said what that means. */
export interface Request {
  readonly method: string;
  /** Host and, where it was written, port. */
  readonly authority: string;
  /** With the query, as it was sent. */
  readonly path: string;
  readonly headers: readonly Header[];
  /** Of the client's certificate, as `cluster.local/ns/foo/sa/sleep`; null: there is none, the connection is plain text. */
  readonly principal?: string | null | undefined;
  /** Of the connection; `source.ip`. 'private': some address of a private network, as pods have. */
  readonly sourceAddress?: string | undefined;
  /** `remote.ip`: of the client as X-Forwarded-For and the number of trusted proxies have it; or 'private'. */
  readonly remoteAddress?: string | undefined;
  readonly destinationAddress?: string | undefined;
  /** Of the container, or of the gateway's pod: not of the Service. */
  readonly destinationPort?: number | undefined;
  /** When it arrives, in seconds since the epoch. */
  readonly at: number;
}

/** Whether the keys of a rule verify a token: Envoy's own words when they do not. */
export type Verification = 'Ok' | 'unknown' | KeyProblem;

/** Texts of source/common/jwt/status.cc. */
type KeyProblem =
  | "Jwks doesn't have key to match kid or alg from Jwt"
  | 'Jwt verification fails'
  | 'Jwt ED25519 signature is wrong length'
  | 'Jwks remote fetch is failed';

/** One value that a field of a rule was compared with. */
export interface FieldTrace {
  /** As it is written in the policy: `to[0].operation.paths`, `when[1].values`. */
  readonly field: string;
  /** Of the policy, as a sentence can have it. */
  readonly wants: readonly string[];
  /** Of the request; undefined: it has none. */
  readonly has: string | undefined;
  readonly matched: Truth;
  /** Why it is not known, or what is easily overlooked. */
  readonly note?: string | undefined;
}

export interface RuleTrace {
  /** Counted from 0, as in the names that Istio gives: `ns[NAMESPACE]-policy[NAME]-rule[N]`. */
  readonly index: number;
  readonly matched: Truth;
  readonly fields: readonly FieldTrace[];
}

export interface PolicyTrace {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Of an AuthorizationPolicy. */
  readonly action?: string | undefined;
  /** Of one without a selector: what it holds for. */
  readonly scope?: 'namespace' | 'mesh' | undefined;
  /** It is only recorded what it would do. */
  readonly dryRun?: boolean | undefined;
  readonly matched: Truth;
  readonly rules: readonly RuleTrace[];
}

/** A token that a rule of a RequestAuthentication has looked at, or that it has found none. */
export interface TokenTrace {
  readonly policy: { readonly namespace: string; readonly name: string };
  readonly issuer: string;
  /** Where it looked, such as `header authorization, after "Bearer "`. */
  readonly places: readonly string[];
  /** Where the token was that decided; undefined: there was none. */
  readonly place: string | undefined;
  /** Envoy's own words: `Ok`, `Jwt is missing`, `Jwt is expired` and so on. */
  readonly status: string;
  /** What of the request is the reason. */
  readonly note?: string | undefined;
}

export interface Answer {
  /**
   * Undefined: it cannot be known, see `unknown`. 200: it passes; the status code is then the application's. 404: policies let it
   * pass, and the gateway has no route for it.
   */
  readonly status: 200 | 401 | 403 | 404 | undefined;
  /** Of the proxy's own answer. */
  readonly body?: string | undefined;
  readonly wwwAuthenticate?: string | undefined;
  /** What it depends on that cannot be known here. */
  readonly unknown: readonly string[];
  /** Headers of the request as the application gets them; those that the proxy adds for itself are left out. */
  readonly headers: readonly Header[];
  /** With the query, as the application gets it. */
  readonly path: string;
  readonly tokens: readonly TokenTrace[];
  readonly policies: readonly PolicyTrace[];
  /** The policy, or the kind of filter, that has decided; undefined: none has, the request passes. */
  readonly decidedBy?: string | undefined;
}
