/** The ways that requests of the scenario take, and what the model says about a request on one of them. */

import { nameOfKey } from '../../base/names.ts';
import { worldOf } from '../../explain/world.ts';
import type { RuleTrace } from '../../policy/input.ts';
import { nameOf, policyKinds } from '../../policy/selection.ts';
import { type JwtRule, jwtRulesOf, type Location } from '../../policy/token-locations.ts';
import { decidingOf, type Hop, hopsOf } from '../../run/explain/hops.ts';
import type { HttpRequest, KubeObject, Survey } from '../../target/target.ts';
import { issuerOf } from '../issuers.ts';
import { isIngress, type Place, policiesAt } from '../places.ts';
import type { Client } from '../senders.ts';
import { type TokenTry, textOf, verifyTry } from './tried-tokens.ts';

export interface Way {
  /** For the names of steps. */
  readonly name: string;
  readonly place: Place;
  readonly gateway: Place | undefined;
  /** What routes from the gateway to the place: of the user, or made for this way. */
  readonly routes: readonly KubeObject[];
  /** The routes are made for this way alone. */
  readonly isOwnRoute: boolean;
  /** Where requests are sent to, and the port of the container behind each. */
  readonly addresses: readonly { readonly url: string; readonly targetPort: number }[];
  readonly client: Client;
  /** The header Host; undefined: that of the address. */
  readonly host: string | undefined;
  /** No policy looks at what is sent here, unless by mistake. */
  readonly isSpare: boolean;
}

/** What is the same for all cells of a table. */
export interface Context {
  readonly client: Client;
  readonly url: string;
  readonly method: string;
  readonly host: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Where tokens are put; undefined: where rules look for them. */
  readonly at?: Location;
  /** A table of its own, where not all answers of the other one would be known. */
  readonly isApart?: boolean;
  /** A table of its own, in which it is expected what the workload receives. */
  readonly isTold?: boolean;
}

/** A request as a way is usually asked. */
export function usualRequest({ client, addresses, host }: Way): Context {
  return { client, url: addresses[0]?.url ?? '', method: 'GET', host, headers: {} };
}

/** Where a token is put: the first place where rules of its issuer on this way look for it. */
export interface TokenPlace {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: string;
  readonly words: string;
}

export interface Judged {
  /** Of the scenario. */
  readonly hops: readonly Hop[];
  /** Of the user's own mesh, where addresses are not known, and what is left out of the scenario is there. */
  readonly whole: readonly Hop[];
  /** The answer; undefined when it is not known, or nobody who is known here gives it. */
  readonly code: number | undefined;
  /** What the same request depends on in the user's own mesh. */
  readonly doubts: readonly string[];
}

/** What the scenario has in place, and what the user has. */
export interface Objects {
  readonly here: readonly KubeObject[];
  readonly whole: readonly KubeObject[];
}

export class Asking {
  readonly way: Way;
  readonly #here: Survey;
  readonly #whole: Survey;
  readonly #bare: Survey;

  /** @param mesh what is to be in place, or a mesh as it is */
  constructor(way: Way, mesh: Objects | Survey) {
    this.way = way;
    if ('pods' in mesh) {
      this.#here = this.#whole = this.#bare = mesh;
      return;
    }
    const { here, whole } = mesh;
    const routes = way.isOwnRoute ? way.routes : [];
    this.#here = worldOf([...routes, ...here]);
    this.#whole = worldOf([...routes, ...whole]);
    this.#bare = worldOf([...routes, ...here.filter(({ kind }) => !policyKinds.includes(kind))]);
  }

  /** Whether the request comes as far as the place, as far as routes decide that. */
  arrives(context: Context, path: string): boolean {
    return this.#isThere(this.#hops(this.#bare, context, path, undefined));
  }

  ask(context: Context, path: string, token: TokenTry | undefined): Judged {
    const hops = this.#hops(this.#here, context, path, token);
    const deciding = decidingOf(hops)?.answer;
    const passes = deciding?.status === 200;
    const whole = this.#hops(this.#whole, context, path, token);
    return {
      hops,
      whole,
      code: passes && !this.#isThere(hops) ? undefined : deciding?.status,
      doubts:
        deciding?.status === undefined
          ? (deciding?.unknown ?? [])
          : (decidingOf(whole)?.answer.unknown ?? []),
    };
  }

  /** Where tokens of an issuer are put on this way; undefined: where everybody does. `text` stands for the token. */
  placeOf(token: TokenTry, text: string, at?: Location): TokenPlace | undefined {
    if (at !== undefined) return placed(at, text);
    const rules = this.rules().filter((rule) => issuerOf(rule) === token.home);
    const hasOwn = ({ fromHeaders, fromParams, fromCookies }: JwtRule) =>
      [fromHeaders, fromParams, fromCookies].some((each) => (each?.length ?? 0) > 0);
    if (rules.length === 0 || !rules.every(hasOwn)) return undefined;
    const header = rules.flatMap(({ fromHeaders = [] }) => fromHeaders)[0];
    if (header !== undefined) return placed({ kind: 'header', prefix: '', ...header }, text);
    const param = rules.flatMap(({ fromParams = [] }) => fromParams)[0];
    if (param !== undefined) return placed({ kind: 'param', name: param }, text);
    const cookie = rules.flatMap(({ fromCookies = [] }) => fromCookies)[0] ?? '';
    return placed({ kind: 'cookie', name: cookie }, text);
  }

  /** Rules for tokens at any proxy of this way. */
  rules(): readonly JwtRule[] {
    return this.policies().flatMap(jwtRulesOf);
  }

  /** All that hold at a proxy of this way. */
  policies(): KubeObject[] {
    const { place, gateway } = this.way;
    const all = [
      ...(gateway === undefined ? [] : policiesAt(gateway, this.#here.objects)),
      ...policiesAt(place, this.#here.objects),
    ];
    return [...new Map(all.map((policy) => [nameOf(policy), policy])).values()];
  }

  #isThere(hops: readonly Hop[]): boolean {
    const last = hops.at(-1)?.pod;
    return (
      last !== undefined && last.name === this.way.place.name && last.namespace === this.way.place.namespace
    );
  }

  #hops(survey: Survey, context: Context, path: string, token: TokenTry | undefined): Hop[] {
    const { gateway } = this.way;
    const isOutside = gateway !== undefined && isIngress(gateway);
    const text = token === undefined ? '' : textOf(token);
    const place = token === undefined ? undefined : this.placeOf(token, text, context.at);
    const bearer =
      token === undefined || place !== undefined ? [] : [['Authorization', `Bearer ${text}`] as const];
    const request: HttpRequest = {
      id: '',
      method: context.method,
      url: `${isOutside ? '' : context.url}${path}${place?.query ?? ''}`,
      headers: [
        ...Object.entries({ ...context.headers, ...place?.headers }),
        ...(context.host === undefined ? [] : [['Host', context.host] as const]),
        ...bearer,
      ],
    };
    const { name, namespace } = context.client;
    return hopsOf(
      {
        origin: isOutside ? { kind: 'ingress' } : { kind: 'pod', app: name, namespace },
        request,
        survey,
        ingressUrl: isOutside ? 'http://127.0.0.1' : undefined,
        hasFilters: true,
        address: survey === this.#whole ? undefined : 'private',
      },
      verifyTry,
    );
  }
}

function placed(location: Location, text: string): TokenPlace {
  const { kind, name } = location;
  if (kind === 'header')
    return { headers: { [name]: `${location.prefix}${text}` }, query: '', words: `header ${name}` };
  if (kind === 'param') return { headers: {}, query: `?${name}=${text}`, words: `parameter ${name}` };
  return { headers: { cookie: `${name}=${text}` }, query: '', words: `cookie ${name}` };
}

/** The last proxy that the policy holds for. */
export function hopOf(hops: readonly Hop[], policy: KubeObject): Hop | undefined {
  return hops.findLast(({ answer }) => answer.policies.some((each) => nameOfKey(each) === nameOf(policy)));
}

/** What became of a rule there; undefined when nobody asked it, because the token was refused before. */
export function ruleOf(hops: readonly Hop[], policy: KubeObject, index: number): RuleTrace | undefined {
  const answer = hopOf(hops, policy)?.answer;
  if (answer === undefined || answer.decidedBy === 'RequestAuthentication') return undefined;
  return answer.policies
    .find((each) => nameOfKey(each) === nameOf(policy))
    ?.rules.find((rule) => rule.index === index);
}
