/**
 * Pulls manifests and blobs out of one repository of a registry, and lists its tags (OCI distribution specification,
 * end-2, end-3 and end-8).
 */

import * as z from 'zod';
import { HarnessError } from '../../../base/errors.ts';
import { attempts, type DownloadOptions, save } from '../../download/download.ts';
import { type Answer, ask } from '../../download/http-get.ts';
import { Transient } from '../../download/transient.ts';
import { digestOf, digestPattern } from '../digest.ts';
import { type Descriptor, manifestTypes } from '../manifest.ts';
import { authorize, unauthorized } from './authorize.ts';
import { isPage, readBytes, readText } from './body.ts';
import { challengesOf } from './challenge.ts';
import { parseJson } from './parse-json.ts';
import type { Reference } from './reference.ts';
import { notRegistry, refusal, tooLarge, wrongDigest } from './refusal.ts';

/** Pages of tags that are read: of istio/pilot there are some ten. */
const maxPages = 100;

export class Registry {
  readonly #reference: Reference;
  readonly #options: DownloadOptions;
  /** What the registry accepted last; tokens serve for many requests. */
  #authorization: string | undefined;

  constructor(reference: Reference, options: DownloadOptions) {
    this.#reference = reference;
    this.#options = options;
  }

  /**
   * The bytes of a manifest or an index, with their digest.
   *
   * @param which tag or digest; the bytes of the latter are checked
   * @throws HarnessError E_PROGRAM when there is none, access is refused, its digest is wrong; E_TIMEOUT; E_INTERRUPTED
   */
  async manifest(which: string): Promise<{ bytes: Buffer; digest: string }> {
    const path = `manifests/${which}`;
    const { bytes, told } = await this.#attempts(path, async (signal) => {
      const answer = await this.#get(path, manifestTypes, signal);
      const bytes = await readBytes(answer);
      if (isPage(answer)) throw notRegistry(answer, this.#reference, bytes.toString('utf8'));
      return { bytes, told: String(answer.headers['docker-content-digest'] ?? '') };
    });
    const digest = digestOf(bytes);
    for (const expected of [which, told]) {
      if (digestPattern.test(expected) && expected !== digest)
        throw wrongDigest(this.#url(path), expected, digest);
    }
    return { bytes, digest };
  }

  /** The bytes of a small blob, checked. Throws like {@link manifest}. */
  async blob(descriptor: Descriptor): Promise<Buffer> {
    const path = `blobs/${descriptor.digest}`;
    const bytes = await this.#attempts(path, async (signal) =>
      readBytes(await this.#get(path, '*/*', signal)),
    );
    const digest = digestOf(bytes);
    if (digest !== descriptor.digest) throw wrongDigest(this.#url(path), descriptor.digest, digest);
    return bytes;
  }

  /**
   * Downloads a blob into `file`, which is created or overwritten. What is in it was checked when this returns, and may
   * be anything when this throws.
   *
   * @throws HarnessError E_PROGRAM also when the blob is larger than the limits allow
   */
  async save(descriptor: Descriptor, file: string): Promise<void> {
    const path = `blobs/${descriptor.digest}`;
    const { limits, report } = this.#options;
    if (descriptor.size > limits.maxBytes) throw tooLarge(this.#url(path), descriptor.size, limits.maxBytes);
    await this.#attempts(path, async (signal) => {
      const answer = await this.#get(path, '*/*', signal);
      if (isPage(answer) && answer.length !== descriptor.size) {
        throw notRegistry(answer, this.#reference, await readText(answer));
      }
      const saved = await save(answer, file, {
        maxBytes: descriptor.size,
        of: descriptor.size,
        what: 'downloading a layer',
        report,
      });
      // Without Content-Length, a cut connection looks like the end.
      if (saved.bytes < descriptor.size) {
        throw new Transient(`${this.#url(path)} ended after ${saved.bytes} of ${descriptor.size} bytes`);
      }
      const digest = `sha256:${saved.sha256}`;
      if (digest !== descriptor.digest) throw wrongDigest(this.#url(path), descriptor.digest, digest);
    });
  }

  /**
   * All tags of the repository, in the order of the registry.
   *
   * @throws HarnessError E_PROGRAM when it cannot list them, or has no end of them; E_TIMEOUT; E_INTERRUPTED
   */
  async tags(): Promise<string[]> {
    const found: string[] = [];
    let path: string | undefined = 'tags/list?n=1000';
    for (let page = 0; path !== undefined; page++) {
      const asked: string = path;
      if (page === maxPages)
        throw new HarnessError('E_PROGRAM', `${this.#url(asked)} is page ${maxPages} and not the last`);
      const { tags, next } = await this.#attempts(asked, async (signal) => {
        const answer = await this.#get(asked, 'application/json', signal);
        const text = await readText(answer);
        const tags = tagsIn(text);
        if (tags === undefined) throw notRegistry(answer, this.#reference, text);
        return { tags, next: nextPage(answer.headers.link) };
      });
      found.push(...tags);
      path = next;
    }
    return found;
  }

  #url(path: string): string {
    return `${this.#reference.origin}/v2/${this.#reference.repository}/${path}`;
  }

  #attempts<T>(path: string, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return attempts(this.#url(path), this.#options, attempt);
  }

  /** An answer with status 200. A challenge is answered once. */
  async #get(path: string, accept: string, signal: AbortSignal): Promise<Answer> {
    const options = { ...this.#options, accept, signal };
    const url = this.#url(path);
    let answer = await ask(url, { ...options, authorization: this.#authorization });
    if (answer.status === 401 && answer.url.origin === new URL(url).origin) {
      await answer.body.dump();
      const challenges = challengesOf(answer.headers['www-authenticate']);
      this.#authorization = await authorize(challenges, this.#reference, { ...this.#options, signal });
      answer = await ask(url, { ...options, authorization: this.#authorization });
    }
    if (answer.status === 200) return answer;
    if (answer.status === 401 || answer.status === 403) {
      await answer.body.dump();
      throw unauthorized(this.#reference, `it answered ${answer.status}`);
    }
    throw await refusal(answer, this.#reference, path.slice(path.indexOf('/') + 1));
  }
}

// Reads answers to `tags/list` (OCI distribution specification, end-8).

/** Registries say null instead of an empty list. */
const tagList = z.object({ tags: z.array(z.string()).nullable() });

/** The tags in an answer; undefined when it is no list of tags. */
function tagsIn(text: string): string[] | undefined {
  const parsed = tagList.safeParse(parseJson(text));
  return parsed.success ? (parsed.data.tags ?? []) : undefined;
}

/**
 * Where the next tags are, from the header Link (RFC 8288): the path behind the name of the repository. Only the query is
 * taken from the header, so that it cannot lead to another host. Undefined on the last page.
 */
function nextPage(header: string | string[] | undefined): string | undefined {
  const links = [header ?? []].flat().join(', ');
  const query = /<[^<>?]*(\?[^<>]*)>\s*;[^,]*\brel="?next\b/i.exec(links)?.[1];
  return query === undefined ? undefined : `tags/list${query}`;
}
