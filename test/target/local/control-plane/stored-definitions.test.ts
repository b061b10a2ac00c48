import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoredDefinitions } from '../../../../src/target/local/control-plane/stored-definitions.ts';
import type { Part } from '../../../../src/target/local/processes/part.ts';
import { unaborted } from '../../../support/signals.ts';

const registry = '/registry/apiextensions.k8s.io/customresourcedefinitions';

let folder: string;
let server: Server;
/** What etcd has, by its keys, as they are on the wire. */
let stored: Map<string, string>;
let refuses: boolean;
const base64 = (text: string) => Buffer.from(text).toString('base64');
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stored-'));
  stored = new Map();
  refuses = false;
  for (const name of ['crds.yaml', 'kube-apiserver']) writeFileSync(join(folder, name), name);
  server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    const { key, value, range_end: end } = JSON.parse(text) as Record<string, string>;
    if (refuses) return void response.writeHead(503).end('{"error": "etcdserver: no leader"}');
    if (request.url === '/v3/kv/put') stored.set(key!, value!);
    const [from, to] = [key, end].map((each) => Buffer.from(each ?? '', 'base64').toString());
    const within = [...stored].filter(([each]) => {
      const plain = Buffer.from(each, 'base64').toString();
      return plain >= from! && plain < to!;
    });
    response.end(
      JSON.stringify({ header: {}, kvs: within.map(([k, v]) => ({ key: k, value: v, version: '1' })) }),
    );
  });
  server.listen(socket());
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
const socket = () => join(folder, 'etcd');
const cache = () => join(folder, 'cache');
const kept = () =>
  new StoredDefinitions(cache(), [join(folder, 'crds.yaml')], join(folder, 'kube-apiserver'));
const etcd = { name: 'etcd', running: true, failure: () => new Error('etcd has ended') } as unknown as Part;
const restore = () => kept().restore(etcd, socket(), unaborted());
const definitions = [`${registry}/a.example.com`, `${registry}/b.example.com`];
async function keep(): Promise<string> {
  for (const each of [...definitions, '/registry/secrets/foo/own']) stored.set(base64(each), base64('{}'));
  await kept().save(socket(), unaborted());
  stored.clear();
  return join(cache(), 'definitions', readdirSync(join(cache(), 'definitions'))[0]!);
}

test('what one etcd had, the next one gets, and nothing but definitions', async () => {
  const file = await keep();
  expect(readFileSync(file, 'utf8')).not.toContain(base64('/registry/secrets/foo/own'));
  expect(statSync(file).isFile()).toBe(true);
  expect(await restore()).toBe(true);
  expect([...stored]).toEqual(definitions.map((each) => [base64(each), base64('{}')]));
});

test.each([
  ['nothing', () => rmSync(cache(), { recursive: true })],
  ['half a file', (file: string) => writeFileSync(file, '{"kvs": [')],
  ['another thing', (file: string) => writeFileSync(file, '{"kvs": []}')],
  ['those of other files', () => writeFileSync(join(folder, 'crds.yaml'), 'newer')],
  ['those of another program', () => writeFileSync(join(folder, 'kube-apiserver'), 'a newer one')],
])('where there is %s, they are made anew', async (_, change) => {
  change(await keep());
  expect(await restore()).toBe(false);
  expect(stored.size).toBe(0);
});

test('a folder that cannot be written to is no reason to have no mesh', async () => {
  writeFileSync(cache(), 'a file');
  stored.set(base64(definitions[0]!), base64('{}'));
  await kept().save(socket(), unaborted());
  expect(await restore()).toBe(false);
});

test('nothing is kept of an etcd that has none or refuses', async () => {
  mkdirSync(cache());
  await kept().save(socket(), unaborted());
  refuses = true;
  await kept().save(socket(), unaborted());
  expect(readdirSync(cache())).toEqual([]);
});

test('an etcd that has ended meanwhile is named, and an interruption ends it', async () => {
  await keep();
  refuses = true;
  const ended = { ...etcd, running: false } as Part;
  await expect(kept().restore(ended, socket(), unaborted())).rejects.toThrow('etcd has ended');
  await expect(kept().restore(etcd, socket(), AbortSignal.abort('SIGINT'))).rejects.toMatchObject({
    code: 'E_INTERRUPTED',
  });
});
