/**
 * CustomResourceDefinitions as an API server has stored them. Given to etcd before the next API server reads them, they are
 * established from its first moment: making them takes it 3 s of a core, reading them 2 s less.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'undici';
import * as z from 'zod';
import { timeouts } from '../../../base/timeouts.ts';
import type { Part } from '../processes/part.ts';
import { untilAnswers } from './wait-http.ts';

/** Of etcd's own API, whose JSON has keys and values in Base64 (etcd: api/etcdserverpb/rpc.proto, KV). */
const storedSchema = z.object({ kvs: z.array(z.object({ key: z.string(), value: z.string() })).min(1) });

/** Where Kubernetes has them, as etcd's ranges are: from the first that begins like this to the next character. */
const registry = '/registry/apiextensions.k8s.io/customresourcedefinitions';
const [from, to] = ['/', '0'].map((end) => Buffer.from(registry + end).toString('base64'));

export class StoredDefinitions {
  readonly #file: string;

  /**
   * @param cacheDir where they are kept, by what they depend on
   * @param definitions YAML files @param kubeApiserver its form of them is stored
   */
  constructor(cacheDir: string, definitions: readonly string[], kubeApiserver: string) {
    const { size, mtimeMs } = statSync(kubeApiserver);
    const digest = createHash('sha256').update(JSON.stringify([kubeApiserver, size, mtimeMs]));
    for (const file of definitions) digest.update(readFileSync(file));
    this.#file = join(cacheDir, 'definitions', `${digest.digest('hex').slice(0, 24)}.json`);
  }

  /** Gives etcd what was kept, if there is any. @returns whether it has all of it; if not, they are made as the first time */
  async restore(etcd: Part, socketPath: string, signal: AbortSignal): Promise<boolean> {
    const stored = this.#read();
    if (stored === undefined) return false;
    const client = new Client('http://etcd', { socketPath, pipelining: 1 });
    try {
      const put = (entry: object) => call(client, 'put', entry, signal);
      const [first, ...others] = stored.kvs;
      await untilAnswers(etcd, () => put(first!), timeouts.localStart, signal);
      for (const each of others) await put(each);
      return true;
    } catch (thrown) {
      if (signal.aborted || !etcd.running) throw thrown;
      return false;
    } finally {
      await client.destroy();
    }
  }

  /** Keeps what etcd has; what cannot be kept is made again the next time. */
  async save(socketPath: string, signal: AbortSignal): Promise<void> {
    const client = new Client('http://etcd', { socketPath });
    const part = `${this.#file}.part-${randomUUID()}`;
    try {
      const { kvs } = storedSchema.parse(await call(client, 'range', { key: from, range_end: to }, signal));
      await mkdir(dirname(part), { recursive: true });
      await writeFile(part, JSON.stringify({ kvs }));
      await rename(part, this.#file);
    } catch {
      await rm(part, { force: true }).catch(() => {});
    } finally {
      await client.destroy();
    }
  }

  #read(): z.infer<typeof storedSchema> | undefined {
    try {
      return storedSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return undefined;
    }
  }
}

async function call(
  client: Client,
  method: 'put' | 'range',
  body: object,
  signal: AbortSignal,
): Promise<unknown> {
  const { statusCode, body: answer } = await client.request({
    method: 'POST',
    path: `/v3/kv/${method}`,
    body: JSON.stringify(body),
    signal,
  });
  const text = await answer.text();
  if (statusCode !== 200) throw new Error(`etcd answered ${statusCode}: ${text.slice(0, 200)}`);
  return JSON.parse(text);
}
