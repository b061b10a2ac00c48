/** What `${…}` in a scenario stands for in this run: keys, tokens, key servers, the CA. */

import { createHash } from 'node:crypto';
import { hyphenated } from '../base/names.ts';
import { together } from '../base/wait.ts';
import { issueCertificate, makeCa } from '../jwks/certificates.ts';
import type { PlannedScenario } from '../plan/types.ts';
import type { TokenSpec } from '../scenario/format/schema.ts';
import { references, resolve, whole } from '../scenario/template.ts';
import type { KeyServerHandle, Target } from '../target/target.ts';
import { rememberOpaque, rememberSecret } from '../token/decode.ts';
import { type IssuerKeys, publicPem } from '../token/issuer-keys.ts';
import { mintTokens, type Token } from '../token/mint.ts';
import { fromEnvironment, obtain, type TokenSources } from '../token/obtain.ts';
import { placed } from './keys/key-ring.ts';
import { keyServerState } from './keys/key-server-state.ts';

export interface RunContext {
  readonly issuers: ReadonlyMap<string, IssuerKeys>;
  readonly tokens: ReadonlyMap<string, Token>;
  readonly keyServers: ReadonlyMap<string, KeyServerHandle>;
  /** Of gateways. */
  readonly certificates: ReadonlyMap<string, GatewayCertificate>;
  /** Names of tokens that somebody else makes, and that were not asked for: nothing is known of them. */
  readonly unknown: ReadonlySet<string>;
  /** The names for templates. */
  readonly names: Readonly<Record<string, unknown>>;
}

/** Starts the external key servers of a scenario with its keys: all of them, or none when one cannot be started. */
export async function startKeyServers(
  scenario: PlannedScenario,
  issuers: ReadonlyMap<string, IssuerKeys>,
  target: Target,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KeyServerHandle>> {
  const wanted = Object.entries(scenario.keyServers).filter(
    ([name, spec]) => spec.where === 'external' && isUsed(name, scenario),
  );
  const started = new Map<string, KeyServerHandle>();
  try {
    await together(
      wanted,
      async ([name, spec], own) => {
        const { path, discovery = false, http2Only = false } = spec;
        const start = {
          name: serverName(name, scenario.info.id),
          path,
          discovery,
          http2Only,
          ...(scenario.ownServers.includes(name) ? { isOwn: true } : {}),
          ...keyServerState(spec, undefined, issuers),
        };
        started.set(name, await target.startKeyServer(start, own));
      },
      signal,
    );
    return started;
  } catch (thrown) {
    await Promise.allSettled([...started.values()].map((server) => server.stop()));
    throw thrown;
  }
}

/** A DNS label with room for what a target adds; labels have at most 63 characters (RFC 1035, section 2.3.4). */
function serverName(name: string, scenario: string): string {
  const text = hyphenated(`${name}-${scenario}`);
  if (text.length <= 48) return text;
  return `${text.slice(0, 41)}-${createHash('sha256').update(text).digest('hex').slice(0, 6)}`;
}

/** Whether any step of this variant of the scenario needs the server; that nobody has asked it, it must have seen. */
function isUsed(name: string, scenario: PlannedScenario): boolean {
  if (scenario.steps.some(({ set, after }) => name in set || after?.of === name)) return true;
  const checks = scenario.steps.flatMap((step) => step.checks);
  if (checks.some((check) => check.kind === 'fetched' && check.keyServer === name)) return true;
  const used = references(scenario.steps).map(({ expression }) =>
    expression?.kind === 'name' ? expression.names : [],
  );
  return used.some(([first, second]) => first === 'keyServers' && second === name);
}

/** The names that do not depend on tokens. */
export async function knownNames(
  issuers: ReadonlyMap<string, IssuerKeys>,
  keyServers: ReadonlyMap<string, KeyServerHandle>,
  target: Target,
  images: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  return {
    images,
    issuers: Object.fromEntries([...issuers].map(([name, issuer]) => [name, issuerNames(issuer)])),
    keyServers: Object.fromEntries([...keyServers].map(([name, { host, ip }]) => [name, { host, ip }])),
    ca: { pem: await target.caCertificate() },
    now: Math.floor(Date.now() / 1000),
  };
}

/** How tokens come that somebody else makes. */
export interface FromOutside {
  readonly sources: TokenSources;
  readonly signal: AbortSignal;
}

/**
 * Mints the tokens and gathers the names.
 *
 * @param outside without it, tokens that somebody else makes are unknown
 * @throws HarnessError E_TEMPLATE, E_TOKEN
 */
export async function makeContext(
  scenario: PlannedScenario,
  issuers: ReadonlyMap<string, IssuerKeys>,
  keyServers: ReadonlyMap<string, KeyServerHandle>,
  target: Target,
  images: Readonly<Record<string, string>>,
  outside?: FromOutside,
): Promise<RunContext> {
  const { place } = scenario.info;
  const known = await knownNames(issuers, keyServers, target, images);
  const unknown = new Set<string>();
  const variable = (token: string, name: string) => {
    if (outside !== undefined) return fromEnvironment(token, name, outside.sources);
    unknown.add(token);
    return '';
  };
  try {
    const specs = Object.fromEntries(
      Object.entries(scenario.tokens).map(([name, spec]) => {
        const env = Object.fromEntries(variablesOf(spec).map((each) => [each, variable(name, each)]));
        return [name, resolve(spec, { ...known, env }, place) as TokenSpec];
      }),
    );
    const tokens = await mintTokens(specs, issuers, async (name, source) => {
      if (outside !== undefined) return obtain(name, source, outside.sources, outside.signal);
      unknown.add(name);
      return '';
    });
    const named = Object.fromEntries([...tokens].map(([name, { value }]) => [name, tokenNames(value)]));
    const certificates = await makeCertificates(scenario.certificates);
    const names = { ...known, tokens: named, certificates: Object.fromEntries(certificates) };
    return { issuers, tokens, keyServers, certificates, unknown, names };
  } catch (thrown) {
    throw placed(thrown, place);
  }
}

/** An issuer: its claim, its JWKS, and each key as JWK and in PEM; those of the first one under no name. */
function issuerNames({ issuer, keys, jwks }: IssuerKeys) {
  const named = [...keys].map(
    ([name, key]) => [name, { jwk: { [whole]: key.publicJwk }, pem: publicPem(key) }] as const,
  );
  return { issuer, jwks: JSON.stringify(jwks()), ...named[0]?.[1], keys: Object.fromEntries(named) };
}

/**
 * A token with its parts: `header` and `payload` as they are sent, in base64url, and `signed`, the JWS Signing Input (RFC
 * 7515, section 2), which is both with a dot between them. What is no token has empty parts.
 */
function tokenNames(value: string) {
  const [header = '', payload = '', signature] = value.split('.');
  if (signature === undefined) return { [whole]: value, header: '', payload: '', signed: '' };
  return { [whole]: value, header, payload, signed: `${header}.${payload}` };
}

/** The variables of the environment that a token is made of. */
function variablesOf(spec: TokenSpec): string[] {
  return references(spec).flatMap(({ expression }) => {
    const [first, name] = expression?.kind === 'name' ? expression.names : [];
    return first === 'env' && name !== undefined ? [name] : [];
  });
}

interface GatewayCertificate {
  /** PEM, as `tls.crt` of a Secret. */
  readonly cert: string;
  /** PEM of its private key, as `tls.key`. */
  readonly key: string;
  /** PEM of what has signed it, and nothing else: a client that trusts this one takes no other certificate. */
  readonly ca: string;
}

/** Certificates that gateways serve HTTPS with, made for the scenario. */
async function makeCertificates(
  specs: PlannedScenario['certificates'],
): Promise<ReadonlyMap<string, GatewayCertificate>> {
  const made = Object.entries(specs).map(async ([name, { hosts }]) => {
    const ca = await makeCa(`istio-jwt-e2e ${name}`);
    const { certPem: cert, keyPem: key } = await issueCertificate(ca, { dnsNames: hosts });
    rememberOpaque(key);
    rememberSecret(key.replace(/-----[^-]+-----|\s/g, ''));
    return [name, { cert, key, ca: ca.certPem }] as const;
  });
  return new Map(await Promise.all(made));
}
