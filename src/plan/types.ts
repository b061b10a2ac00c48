/** What is going to be run: scenarios with their tables, lists, matrices and conditions resolved. */
import type { Place } from '../base/errors.ts';
import type { FetchMode, ScenarioInfo, SourceRef } from '../base/events.ts';
import type { KubeObject } from '../base/kube-object.ts';
import type {
  Answer,
  CertificateSpec,
  IssuerSpec,
  KeyServerChange,
  KeyServerSpec,
  ObjectRef,
  TokenSpec,
} from '../scenario/format/schema.ts';
import type { CellRequest } from '../scenario/table.ts';
import type { ThroughGateway } from '../scenario/through.ts';
import type { MeshSettings } from './asked-mesh.ts';

interface CheckBase {
  readonly id: string;
  readonly row: string;
  readonly column: string;
  readonly place: Place;
  readonly finding?: string | undefined;
  /** Set when this check alone is skipped: the reason, such as that no case of its cell is for this mesh. */
  readonly skip?: string | undefined;
}
export interface RequestCheck extends CheckBase {
  readonly kind: 'request';
  /** As the scenario says it; `${…}` of the run, such as addresses, are still in it. */
  readonly request: CellRequest;
  /** May hold `${…}` of the run. Of a skipped check: what the first case of its cell says. */
  readonly expected: Answer;
  /** What reports say is expected, where `expected` is filled in: tokens are others in every run. */
  readonly asWritten?: Answer;
}
/** The manifests of the step must be refused (`refused` set), or be accepted. */
export interface ApplyCheck extends CheckBase {
  readonly kind: 'apply';
  readonly refused: string | undefined;
}
/** A proxy must reject what the step applies. */
export interface RejectedCheck extends CheckBase {
  readonly kind: 'rejected';
  /** Part of the reason. */
  readonly reason: string;
}
export interface FetchedCheck extends CheckBase {
  readonly kind: 'fetched';
  readonly keyServer: string;
  readonly by: 'istiod' | 'envoy' | 'nobody';
}
export type PlannedCheck = RequestCheck | ApplyCheck | RejectedCheck | FetchedCheck;

type PlannedOrigin =
  | { readonly kind: 'pod'; readonly app: string; readonly namespace: string }
  /** Without a Gateway: through the ingress gateway of the mesh. */
  | { readonly kind: 'ingress'; readonly gateway?: ThroughGateway | undefined };

export interface PlannedStep {
  readonly name: string;
  readonly place: Place;
  readonly source: SourceRef;
  /** What key servers do from this step on, by their names. */
  readonly set: Readonly<Record<string, KeyServerChange>>;
  /** How often a key server must have been asked for keys since the step began, before anything is sent. */
  readonly after: { readonly fetches: number; readonly of: string } | undefined;
  readonly apply: readonly { readonly manifest: KubeObject; readonly place: Place }[];
  readonly delete: readonly ObjectRef[];
  /** Whether the policies of this step are meant to select no workload. */
  readonly selectsNothing: boolean;
  /** Where its requests start; undefined for a step that sends none. */
  readonly origin: PlannedOrigin | undefined;
  readonly checks: readonly PlannedCheck[];
}

export interface PlannedScenario {
  readonly info: ScenarioInfo;
  /** Undefined: any mode will do. */
  readonly fetch: FetchMode | undefined;
  readonly settings: MeshSettings;
  /** Where the scenario asks for them. */
  readonly settingsPlace?: Place | undefined;
  readonly apps: readonly string[];
  readonly issuers: Readonly<Record<string, IssuerSpec>>;
  readonly tokens: Readonly<Record<string, TokenSpec>>;
  readonly keyServers: Readonly<Record<string, KeyServerSpec>>;
  /** Names of those that a server of the user's own stands for. */
  readonly ownServers: readonly string[];
  /** Of gateways. */
  readonly certificates: Readonly<Record<string, CertificateSpec>>;
  readonly steps: readonly PlannedStep[];
  /** Set when the whole scenario is skipped: the reason. Its checks are then reported as skipped. */
  readonly skip: string | undefined;
}

/**
 * Scenarios that run with the mesh in the same state, in the order in which they run. Scenarios that are skipped stand
 * in the first group, whatever mode they want: they need no mesh.
 */
export interface PlannedGroup {
  /** Undefined: any mode will do. */
  readonly fetch: FetchMode | undefined;
  readonly settings: MeshSettings;
  readonly scenarios: readonly PlannedScenario[];
}

/** What is going to be run. `scenarios` are those of all groups, in the order in which they run. */
export interface Plan {
  readonly groups: readonly PlannedGroup[];
  readonly scenarios: readonly PlannedScenario[];
}
