/**
 * The one seam between the runner and a mesh. A target knows Kubernetes, Istio and processes; it knows nothing of
 * scenarios, expectations or reports. Every method that can hang takes an AbortSignal.
 */
import type { FetchMode, MeshFacts, Unstamped } from '../base/events.ts';
import type { KubeObject } from '../base/kube-object.ts';

export type { KubeObject };

export interface ObjectKey {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

export type CapabilityName =
  | 'external-host'
  | 'fetch-mode'
  | 'gateway-api'
  | 'ingress'
  | 'jwks-ca'
  | 'mesh-settings';

/** How istiod is started. */
export interface IstiodStart {
  readonly fetch: FetchMode;
  /** Environment variables besides those of the installation, by name. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A Gateway of Istio's API or of the Gateway API, by which requests from outside enter the mesh. */
export interface GatewayEntry {
  readonly namespace: string;
  readonly name: string;
  /** Of one of its listeners. Default: the first one for HTTP, or for HTTPS. */
  readonly port?: number | undefined;
  /** HTTPS; undefined: plain HTTP. */
  readonly tls?: GatewayTls | undefined;
}

/** How a client speaks HTTPS to a gateway. */
export interface GatewayTls {
  /** PEM of the CA that it trusts, and no other. */
  readonly ca: string;
  /** Server name that it asks for (SNI). Undefined: the host of the request. */
  readonly serverName?: string | undefined;
}

/** Where a request starts: a pod of an app, or outside the cluster towards a gateway. */
export type Origin =
  | { readonly kind: 'pod'; readonly app: string; readonly namespace: string }
  /** Without a Gateway: the ingress gateway of the mesh. */
  | { readonly kind: 'ingress'; readonly gateway?: GatewayEntry | undefined };

export interface HttpRequest {
  /** Unique; sent as user agent, so that access logs can be searched for it. */
  readonly id: string;
  readonly method: string;
  /** Absolute from a pod. Through a gateway: the path alone, sent as it is. */
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string | undefined;
  /** Version of HTTP. Default: 1.1. */
  readonly http?: '1.0' | '1.1' | '2' | undefined;
  /** The request line has the whole address (RFC 9112, section 3.2.2). */
  readonly absoluteForm?: boolean | undefined;
  /** Asks for another protocol; of the answer only the head is read. */
  readonly upgrade?: 'websocket' | undefined;
  /** Sent before on the same connection; what they are answered does not matter. */
  readonly before?: readonly HttpRequest[] | undefined;
}

export interface HttpResponse {
  /** 0 when there was no answer; `error` then says why. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** At most `limits.body`. */
  readonly body: string;
  /** There was more of the body. */
  readonly isCut?: boolean | undefined;
  /** When the answer was there, milliseconds since the epoch. */
  readonly at: number;
  readonly durationMs: number;
  readonly error?: string | undefined;
}

/** How long requests may take, in milliseconds. */
export interface SendLimit {
  /** One request, from its connection to the end of its body. */
  readonly requestMs: number;
  /** All of them: what was not sent by then counts as not answered. */
  readonly allMs: number;
}

/** One Envoy: a sidecar or a gateway. */
export interface ProxyRef {
  readonly namespace: string;
  readonly pod: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: 'sidecar' | 'gateway';
}

/** A pod of the mesh that is not being deleted. */
export interface MeshPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip?: string | undefined;
  readonly isReady: boolean;
  /** Undefined: it has no Envoy, so no policy holds for it. */
  readonly proxy?: ProxyRef['kind'] | undefined;
  /** It is in ambient mode, whose proxies are elsewhere. */
  readonly isAmbient?: boolean | undefined;
  /** Of which its identity is made. Default: `default`. */
  readonly serviceAccount?: string | undefined;
  /** It belongs to an application of kind/apps, which answers the same every time. */
  readonly isApp?: boolean | undefined;
}

/** What there is in the mesh now that decides which proxies a request passes and which policies hold for them. */
export interface Survey {
  readonly rootNamespace: string;
  /** The gateway to which {@link Target.ingressUrl} leads. */
  readonly ingress: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
  readonly pods: readonly MeshPod[];
  /** Services, policies, and what routes requests or changes filters, as the API server has them. */
  readonly objects: readonly KubeObject[];
  /** Kinds that this user may not list. */
  readonly hidden: readonly string[];
}

/** Fields of a JWTRule that Envoy has as they stand in it; names of headers in lower case. */
export interface ProviderRule {
  readonly audiences: readonly string[];
  readonly fromHeaders: readonly (readonly [name: string, prefix: string])[];
  readonly fromParams: readonly string[];
  readonly fromCookies: readonly string[];
  readonly forwardOriginalToken: boolean;
  readonly outputPayloadToHeader: string;
  readonly outputClaimToHeaders: readonly (readonly [header: string, claim: string])[];
}

/** What a proxy really enforces, read from Envoy's own configuration. */
export interface ProxyPolicies {
  /** Of the filters that Istio has made. */
  readonly providers: readonly {
    readonly issuer: string;
    /** Inline keys, parsed; undefined when Envoy fetches them itself. */
    readonly keys?: readonly Record<string, unknown>[] | undefined;
    readonly uri?: string | undefined;
    /** Where tokens are looked for, and what becomes of them, with Istio's names of the fields. */
    readonly rule?: ProviderRule | undefined;
  }[];
  /** RBAC policies that are enforced: `ns[foo]-policy[name]-rule[0]` with their rules as JSON text. */
  readonly rbac: readonly { readonly name: string; readonly action: string; readonly rules: string }[];
  /**
   * The value of the marker (see {@link Target.mark}) in every place to which policies are attached, which is each HTTP
   * connection manager of an inbound listener or of a gateway; an empty text where there is none.
   */
  readonly markers: readonly string[];
  /** Updates that Envoy refused (NACK): the reason, and the marker that was in what it refused. */
  readonly rejected: readonly { readonly reason: string; readonly marker: string }[];
}

export interface FetchLogEntry {
  readonly at: number;
  readonly path: string;
  readonly status: number;
  readonly by: 'istiod' | 'envoy' | 'other';
  readonly userAgent: string;
  readonly remote?: string | undefined;
  /** The answer is still to come. An access log has a line once it has been sent. */
  readonly isOpen?: true | undefined;
}

/** Where a log ended, in a form of the log's own: it is given back, and neither compared nor read by anybody else. */
export type LogPosition = string;

/** How the key server is to fail on purpose; see src/jwks/server.mjs. */
export interface KeyServerFault {
  /** From 200 to 599. */
  readonly status?: number;
  /** Milliseconds before the answer. */
  readonly delayMs?: number;
  /** Sent instead of the keys; with status 200 unless `status` is given. */
  readonly body?: string;
  /** Of the body. Default: application/json. */
  readonly type?: string;
  /** Sends clients to this address, with status 302 unless `status` is given. */
  readonly redirect?: string;
  /** Ends the connection without an answer. */
  readonly reset?: boolean;
  /** Lets nobody connect, as when no server is there. */
  readonly closed?: boolean;
}

/** What a key server does. */
export interface KeyServerState {
  readonly jwks: unknown;
  /** Whether the server's certificate comes from the CA of this run, and else what is wrong with it. */
  readonly certificate: 'trusted' | 'untrusted' | 'expired' | 'wrong-host';
  readonly fault: KeyServerFault | null;
}

export interface KeyServerHandle {
  readonly name: string;
  /** DNS name that pods resolve to the server. */
  readonly host: string;
  readonly ip: string;
  /** Returns once it does this, in place of all that it did before. */
  set(state: KeyServerState): Promise<void>;
  /** Where the log of requests ends now. */
  logEnd(): Promise<LogPosition>;
  /** All requests since that position, oldest first. Throws E_KEY_SERVER when they are not all known. */
  log(after: LogPosition): Promise<readonly FetchLogEntry[]>;
  /**
   * Asks it for its keys from where the mesh sees it, under this user agent. Throws E_KEY_SERVER when it does not answer
   * with those that it was given, or does not fail as it was told to.
   */
  check(userAgent: string, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** The pods whose logs say who fetched: their label app, which is also the name of the container. */
export interface PodLogs {
  readonly namespace: string;
  readonly app: string;
}

export interface KeyServerStart extends KeyServerState {
  readonly name: string;
  readonly path: string;
  /** Whether it also has the document of OpenID Connect Discovery, which leads to the path. */
  readonly discovery: boolean;
  /** Whether its HTTPS port knows nothing but HTTP/2. */
  readonly http2Only: boolean;
  /** Whether it is the user's own server, of which {@link MeshFacts.ownKeyServer} has the address. */
  readonly isOwn?: boolean;
}

export interface Applied {
  readonly key: ObjectKey;
  readonly change: 'created' | 'changed' | 'unchanged' | 'deleted';
  readonly warnings: readonly string[];
}

/** Which requests evidence is to be about. */
export interface EvidenceQuery {
  /** Whose filters and log lines are wanted. */
  readonly proxies: readonly ProxyRef[];
  /** Of all requests when it is empty. */
  readonly requestId: string;
  /** When the change was made that the check is about, milliseconds since the epoch. */
  readonly since: number;
}

/** A file of evidence: its name within the folder of the check, and its content. */
export interface EvidenceFile {
  readonly name: string;
  readonly content: string;
}

/** What a run is going to do, known before anything is done. */
export interface Intent {
  /** Applications of kind/apps. */
  readonly apps: readonly string[];
  /** Whether requests are sent through the ingress gateway, so that its proxies count. */
  readonly throughIngress: boolean;
  /** Whether servers outside the mesh are started. */
  readonly keyServers: boolean;
  /** Namespaces of other Gateways that requests are sent through. */
  readonly gatewayNamespaces: readonly string[];
  /** What steps apply, in their order; `${…}` may still be in it. */
  readonly apply: readonly KubeObject[];
  readonly delete: readonly ObjectKey[];
}

/** A part of what a run would do, for people to read: a heading, and lines below it. */
export interface PreviewPart {
  readonly title: string;
  readonly lines: readonly string[];
  /** A run that would do this is refused before it does anything. */
  readonly isForbidden?: boolean | undefined;
  /** What the API server would not take, as `Kind namespace/name`. */
  readonly refused?: readonly string[] | undefined;
}

/** What a target tells about its own progress. */
export type Progress = (event: Unstamped) => void;

export interface Target {
  readonly name: string;
  /** Which of several meshes of a run this is, such as `istio-1.30.3`, also before it is up; undefined for the only one. */
  readonly mesh?: string | undefined;
  /** What this target cannot do, with the reason that the report shows. */
  readonly missing: ReadonlyMap<CapabilityName, string>;

  /**
   * Another mesh like this one, not up yet, which can run some of its scenarios at the same time.
   *
   * @param number of it, from 2, for what is told about it
   */
  another?(number: number): Target;
  /** Creates or finds the mesh and says what it is. */
  up(signal: AbortSignal): Promise<MeshFacts>;
  /**
   * Called once, after {@link up} and before the first change of a scenario: a target that shares its mesh with others
   * says here what it refuses. Throws E_NOT_OWNED before anything is done.
   */
  begin?(intent: Intent, signal: AbortSignal): Promise<void>;
  /**
   * Makes applications of kind/apps run and waits until they are ready. Those of before stay, but their routes through
   * gateways do not.
   */
  prepare(apps: readonly string[], signal: AbortSignal): Promise<void>;
  /** The manifests of these applications have changed: those that run already are applied again. */
  reload?(apps: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Has an istiod that was started so; returns when every proxy is connected to it. Variables that were there for an
   * earlier call are as they were before.
   */
  setIstiod(start: IstiodStart, signal: AbortSignal): Promise<void>;
  /**
   * Scenarios have had keys fetched, so istiod may have keys of theirs, which it keeps for 20 minutes and more: the next
   * {@link setIstiod} starts it anew, even when nothing else changes.
   */
  keysUsed?(signal: AbortSignal): Promise<void>;
  /**
   * Puts fields of MeshConfig over those of the installation, in place of all that an earlier call has put there; returns once
   * istiod has taken them. Throws E_UNPROVEN when it does not.
   */
  setMeshConfig(config: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void>;
  /** The fetch mode that holds now. */
  fetchMode(): FetchMode;
  /** PEM of the CA of this run, which signs the certificates of trusted key servers. */
  caCertificate(): Promise<string>;

  /**
   * Server-side apply, in order, then waits until workloads among them are ready. Everything is remembered under
   * `scope` for {@link undo}. Throws E_REFUSED with the API server's message when one is refused; those before it stay.
   */
  apply(objects: readonly KubeObject[], scope: string, signal: AbortSignal): Promise<Applied[]>;
  delete(keys: readonly ObjectKey[], scope: string, signal: AbortSignal): Promise<Applied[]>;
  /** Puts everything of this scope back to what it was before. */
  undo(scope: string, signal: AbortSignal): Promise<void>;

  /**
   * Sends all requests `rounds` times over, each on a fresh connection, in order; result[round][request]. What is not
   * answered within the limit has status 0 and says so; rounds of which nothing was sent are left out.
   */
  send(
    origin: Origin,
    requests: readonly HttpRequest[],
    rounds: number,
    signal: AbortSignal,
    limit: SendLimit,
  ): Promise<HttpResponse[][]>;
  /** The request as a line that can be pasted into a shell. */
  curl(origin: Origin, request: HttpRequest): string;
  /**
   * Address of the ingress gateway as seen from outside, such as http://127.0.0.1:31080.
   *
   * @param gateway of this one instead: where requests through it were last sent
   */
  ingressUrl(gateway?: GatewayEntry): string;

  /** What there is in the mesh now. */
  survey(signal: AbortSignal): Promise<Survey>;
  /**
   * What is not as this target has left it, of all that it has applied or deleted and not put back: each object with what
   * somebody else has done to it.
   */
  altered(signal: AbortSignal): Promise<string[]>;
  /**
   * Puts a value into the mesh that changes no answer, and that reaches proxies the way policies do: an AuthorizationPolicy
   * that is a dry run. A proxy that has it has what was applied before, too (docs/adr/0017-markers.md).
   *
   * @param proxies whom it must reach
   * @throws HarnessError E_NOT_OWNED when that would touch a namespace that is not this tool's
   */
  mark(value: string, proxies: readonly ProxyRef[], signal: AbortSignal): Promise<void>;
  /** The mesh is only looked at: nothing is applied, not even a marker. Default: false. */
  readonly isReadOnly?: boolean | undefined;
  /** Whether a marker reaches every proxy of the mesh, whoever is named. */
  readonly marksAll?: boolean | undefined;
  proxyPolicies(proxy: ProxyRef, signal: AbortSignal): Promise<ProxyPolicies>;

  startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle>;
  /** Where the access logs of an in-cluster server end now. */
  podLogEnd(pods: PodLogs, signal: AbortSignal): Promise<LogPosition>;
  /**
   * All requests for a path of an in-cluster server since that position, up to this call, by its access logs. Throws
   * E_UNPROVEN when they are not all known, such as those that a pod had that is gone.
   */
  podFetches(
    pods: PodLogs,
    path: string,
    after: LogPosition,
    signal: AbortSignal,
  ): Promise<readonly FetchLogEntry[]>;

  /** Everything that helps to explain what happened to these requests. */
  evidence(query: EvidenceQuery, signal: AbortSignal): Promise<EvidenceFile[]>;

  /** Lines to paste into a shell that show the policies, and what these proxies have of them. */
  look?(proxies: readonly ProxyRef[]): readonly string[];

  /** Removes what was created and stops what was started, unless it is to be kept. Never throws for what is gone already. */
  down(signal: AbortSignal): Promise<void>;
}
