/** A local mesh that is kept: the target's methods are called in the process that keeps it. */
import { Pool } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import type { FetchMode, MeshFacts } from '../../../base/events.ts';
import { shellQuote } from '../../../base/names.ts';
import { throwIfAborted } from '../../../base/wait.ts';
import { curlLine } from '../../curl-batch.ts';
import { gatewayId, urlOf } from '../../gateways/gateway-urls.ts';
import { phase } from '../../phase.ts';
import type {
  CapabilityName,
  GatewayEntry,
  HttpRequest,
  HttpResponse,
  IstiodStart,
  KeyServerHandle,
  KeyServerStart,
  Origin,
  Progress,
  SendLimit,
  Target,
} from '../../target.ts';
import { envText } from '../control-plane/istiod-env.ts';
import type { LocalSettings } from '../local-settings.ts';
import { describeMemory, type MemoryUse } from '../processes/memory.ts';
import { endKept, existsAlready, findKept, isSilent, type Kept, startKept } from './kept.ts';
import { type Forwarded, forwarded, forwardedToKeyServers, forwarding } from './mesh-protocol.ts';
import { callHost, Session } from './mesh-session.ts';

export interface KeptSettings extends LocalSettings {
  /** Of the mesh. */
  readonly name: string;
  /** Leave the mesh when the run ends. */
  readonly keep: boolean;
  /** Use a mesh of this name that is there. */
  readonly reuse: boolean;
  /** Versions that were asked for: a mesh of others is not used. */
  readonly wanted: { readonly istio: string | undefined; readonly envoy: string | undefined };
}

/** A class whose objects are given these methods when they are made. */
const Forwarding = class {} as new () => Pick<Required<Target>, Forwarded>;

export class RemoteTarget extends Forwarding implements Target {
  readonly name = 'local';
  readonly marksAll = true;
  readonly mesh: string | undefined;
  readonly #settings: KeptSettings;
  readonly #progress: Progress;
  readonly #curl = new Map<string, string>();
  /** Where gateways were found, by their names. */
  readonly #gateways = new Map<string, string>();
  #client: Pool | undefined;
  #session: Session | undefined;
  #created = false;
  #fetch: FetchMode = 'istiod';
  #keyServers = 0;

  constructor(settings: KeptSettings, progress: Progress) {
    super();
    const methods = forwarding<Required<Target>, Forwarded>(forwarded, async (name, args, signal) => {
      const result = await this.#call(name, args, signal);
      if (name === 'setIstiod') this.#fetch = (args[0] as IstiodStart).fetch;
      return result;
    });
    Object.assign(this, methods);
    this.mesh = settings.mesh;
    this.#settings = settings;
    this.#progress = progress;
  }

  get missing(): ReadonlyMap<CapabilityName, string> {
    return new Map(this.#session?.begun.missing);
  }

  async up(signal: AbortSignal): Promise<MeshFacts> {
    const { name, reuse } = this.#settings;
    const there = await findKept(name, signal, () => {
      const message = `the local mesh "${name}" that was kept has ended by itself, or was killed; another one is started`;
      this.#progress({ type: 'warning', message });
    });
    if (there !== undefined && !reuse) throw existsAlready(name);
    if (there !== undefined) this.#refuseOther(there);
    const { state, letGo } =
      there === undefined ? await this.#create(signal) : { state: there, letGo: () => {} };
    this.#client = new Pool('http://mesh', {
      socketPath: state.socket,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const { mesh, reason, runId } = this.#settings;
    this.#session = await Session.begin(
      state.socket,
      { runId, mesh, reason, owner: this.#created && !this.#settings.keep },
      this.#progress,
      signal,
      isSilent(this.#settings.name, state),
    );
    letGo();
    const { facts } = this.#session.begun;
    this.#fetch = facts.fetch;
    return { ...facts, details: { ...facts.details, mesh: name, kubeconfig: this.#begun.kubeconfig } };
  }

  async #create(signal: AbortSignal): Promise<Kept> {
    const { folder, images, istiodEnv, gatewayApiCrds, name, programs } = this.#settings;
    const found = await programs(signal);
    const what = `Starting local mesh "${name}": Istio ${found.istio} with Envoy ${found.envoyVersion}`;
    const made = await phase(this.#progress, what, () =>
      startKept({ name, programs: found, images, istiodEnv, gatewayApiCrds, folder }, signal),
    );
    this.#created = true;
    return made;
  }

  #refuseOther({ istio, envoy, istiodEnv }: Kept['state']): void {
    const { name, wanted } = this.#settings;
    const [asked, there] = [envText(this.#settings.istiodEnv), envText(istiodEnv)];
    const other =
      wanted.istio !== undefined && wanted.istio !== istio
        ? `Istio ${istio}, not ${wanted.istio}`
        : wanted.envoy !== undefined && wanted.envoy !== envoy
          ? `Envoy ${envoy}, not ${wanted.envoy}`
          : asked !== '' && asked !== there
            ? `an istiod with ${there || 'no variables of yours'}, not with ${asked}`
            : undefined;
    if (other === undefined) return;
    throw new HarnessError('E_CLUSTER', `the local mesh "${name}" has ${other}`, {
      hint: `End it with "jwt-e2e down --name ${name}", or choose another --name.`,
    });
  }

  async send(
    origin: Origin,
    requests: readonly HttpRequest[],
    rounds: number,
    signal: AbortSignal,
    limit: SendLimit,
  ): Promise<HttpResponse[][]> {
    const { answers, curl, ingressUrl } = await this.#call<{
      answers: HttpResponse[][];
      curl: string[];
      ingressUrl?: string;
    }>('send', [origin, requests, rounds, limit], signal);
    if (origin.kind === 'ingress' && origin.gateway !== undefined && ingressUrl !== undefined)
      this.#gateways.set(gatewayId(origin.gateway), ingressUrl);
    requests.forEach((request, index) => {
      this.#curl.set(request.id, curl[index] ?? '');
    });
    return answers;
  }

  look(): string[] {
    const kubectl = `kubectl --kubeconfig ${shellQuote(this.#begun.kubeconfig)}`;
    return [`${kubectl} get requestauthentications,authorizationpolicies -A`];
  }

  /** As it was when the request was sent; of one that was not, the request alone. */
  curl(_origin: Origin, request: HttpRequest): string {
    return this.#curl.get(request.id) ?? curlLine(request, request.url);
  }

  fetchMode(): FetchMode {
    return this.#fetch;
  }

  async caCertificate(): Promise<string> {
    return this.#begun.ca;
  }

  ingressUrl(gateway?: GatewayEntry): string {
    if (gateway === undefined) return this.#begun.ingressUrl;
    return urlOf(gateway, this.#gateways);
  }

  async startKeyServer(start: KeyServerStart, signal: AbortSignal): Promise<KeyServerHandle> {
    this.#keyServers += 1;
    const id = String(this.#keyServers);
    const server = await this.#call<{ name: string; host: string; ip: string }>(
      'startKeyServer',
      [{ ...start, id }],
      signal,
    );
    const methods = forwarding<KeyServerHandle, (typeof forwardedToKeyServers)[number]>(
      forwardedToKeyServers,
      (method, args, own) => this.#call('keyServer', [id, method, ...args], own),
    );
    return { ...server, ...methods };
  }

  async down(signal: AbortSignal): Promise<void> {
    const { keep, name } = this.#settings;
    const ends = this.#created && !keep;
    try {
      if (this.#session !== undefined) {
        // Whoever keeps it may have ended before.
        const note = await this.#call<MemoryUse[]>('memory', [], signal).then(
          (memory) => `it took ${describeMemory(memory)}`,
          () => undefined,
        );
        await this.#call('leave', [], signal).catch(() => {});
        const what = ends ? 'Stopping the local mesh' : `Leaving local mesh "${name}"`;
        this.#session.end();
        const end = async () => {
          if (ends) await endKept(name, signal);
        };
        await phase(this.#progress, what, end, note);
      } else if (this.#created) await endKept(name, signal);
    } finally {
      this.#session?.end();
      await this.#client?.destroy();
      this.#client = undefined;
      this.#session = undefined;
    }
  }

  get #begun() {
    if (this.#session === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    return this.#session.begun;
  }

  async #call<T>(name: string, args: readonly unknown[], signal: AbortSignal): Promise<T> {
    throwIfAborted(signal);
    const client = this.#client;
    const silent = this.#session?.silent;
    if (client === undefined) throw new HarnessError('E_INTERNAL', 'the target is not up');
    try {
      const own = silent === undefined ? signal : AbortSignal.any([signal, silent]);
      return await callHost<T>(client, name, args, own, this.#settings.name);
    } catch (thrown) {
      // Why there is no answer, where that is known.
      throw (signal.aborted ? undefined : this.#session?.failure) ?? thrown;
    }
  }
}
