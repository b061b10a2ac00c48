/** A key server that belongs to the user: it is asked whether it has the key that tokens are signed with, and told nothing. */
import { lookup } from 'node:dns/promises';
import { Agent, request } from 'undici';
import { HarnessError } from '../base/errors.ts';
import { limits, readUpTo } from '../base/files/limits.ts';
import { isMap } from '../base/kube-object.ts';
import { timeouts } from '../base/timeouts.ts';
import type { KeyServerHandle } from '../target/target.ts';

/** The public part of an RSA key. */
interface PublicKey {
  readonly kid: string;
  readonly n: string;
  readonly e: string;
}

export class OwnKeyServer {
  readonly url: string;
  readonly #key: PublicKey;
  readonly #ip: string;

  private constructor(url: string, key: PublicKey, ip: string) {
    this.url = url;
    this.#key = key;
    this.#ip = ip;
  }

  /**
   * The server at this address, once it has answered with the key.
   *
   * @throws HarnessError E_KEY_SERVER when it cannot be found, does not answer, or does not serve this key
   */
  static async find(url: string, key: PublicKey, signal: AbortSignal): Promise<OwnKeyServer> {
    const { hostname } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    // A ServiceEntry with an IPv6 address alone would be of no use on most clusters.
    const found = await lookup(host, { family: 4 }).catch(() => lookup(host).catch(() => undefined));
    if (found === undefined) throw unusable(url, `the name ${host} has no address`);
    const server = new OwnKeyServer(url, key, found.address);
    await server.#check('istio-jwt-e2e', signal);
    return server;
  }

  /** As a scenario has it, under a name of its own. It stays when it is stopped. */
  handle(name: string): KeyServerHandle {
    const unknown = async () => {
      throw new HarnessError(
        'E_KEY_SERVER',
        `who has asked ${this.url} is not known: its access log is yours`,
      );
    };
    return {
      name,
      host: new URL(this.url).hostname,
      ip: this.#ip,
      set: async () => {
        throw new HarnessError(
          'E_INTERNAL',
          `${this.url} is not a server of this tool, and does what it does`,
        );
      },
      logEnd: unknown,
      log: unknown,
      check: (userAgent, signal) => this.#check(userAgent, signal),
      stop: async () => {},
    };
  }

  async #check(userAgent: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(userAgent, signal);
    const why = whyNotServed(answer, this.#key);
    if (why === undefined) return;
    throw unusable(this.url, why, { keys: [{ kty: 'RSA', use: 'sig', alg: 'RS256', ...this.#key }] });
  }

  async #ask(userAgent: string, signal: AbortSignal): Promise<string> {
    // Whether its certificate is one to trust is for istiod to say, which has other CAs than this machine.
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    try {
      const { statusCode, body } = await request(this.url, {
        headers: { 'user-agent': userAgent },
        dispatcher,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeouts.keyServerCheck)]),
      });
      const { data } = await readUpTo(body, limits.yamlBytes);
      if (statusCode !== 200) throw unusable(this.url, `it answers ${statusCode}`);
      return data.toString('utf8');
    } catch (thrown) {
      if (thrown instanceof HarnessError) throw thrown;
      signal.throwIfAborted();
      const { name, message, code } = thrown as Error & { code?: string };
      const why = name === 'TimeoutError' ? 'there was no answer in time' : message || code || name;
      throw unusable(this.url, why, undefined, thrown);
    } finally {
      dispatcher.destroy().catch(() => {});
    }
  }
}

function unusable(url: string, why: string, wanted?: object, cause?: unknown): HarnessError {
  return new HarnessError(
    'E_KEY_SERVER',
    `--external-jwks: ${url} does not serve the key of --external-jwks-key: ${why}`,
    {
      hint: 'Have it serve the public part of the key, where this machine and the mesh reach it, and run again. Nothing was applied.',
      details:
        wanted === undefined
          ? undefined
          : `It should serve, with other keys or alone:\n${JSON.stringify(wanted)}`,
      cause,
    },
  );
}

/** Why tokens that the key has signed would not be verified with these keys; undefined when they would be. */
function whyNotServed(text: string, { kid, n, e }: PublicKey): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'its answer is not JSON';
  }
  if (!isMap(body) || !Array.isArray(body.keys))
    return 'its answer has no list "keys", which a JWK Set must have';
  const keys = (body.keys as unknown[]).filter(isMap);
  if (keys.some((key) => 'd' in key)) return 'it serves a private key, with "d"';
  const same = keys.filter((key) => key.kid === kid);
  if (same.length === 0) {
    const kids = keys.map((key) => JSON.stringify(key.kid) ?? 'none').join(', ');
    return `no key has kid ${JSON.stringify(kid)}; there is ${kids || 'none'}`;
  }
  const right = same.find((key) => key.n === n && key.e === e);
  if (right === undefined) return `the key with kid ${JSON.stringify(kid)} is another one`;
  if (right.alg !== undefined && right.alg !== 'RS256')
    return `the key has alg ${JSON.stringify(right.alg)}, and scenarios sign with RS256`;
  return undefined;
}
