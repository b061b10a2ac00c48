/** User names and passwords that `docker login` stored in its configuration file. */

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { Report } from '../../report.ts';
import { parseJson } from './parse-json.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** The file that they come from. */
  readonly file: string;
}

const schema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
      }),
    )
    .default({}),
});

/** DOCKER_CONFIG/config.json, or ~/.docker/config.json. */
export function dockerConfigFile(env: NodeJS.ProcessEnv = process.env): string {
  const folder = env.DOCKER_CONFIG ?? '';
  return join(folder === '' ? join(env.HOME ?? homedir(), '.docker') : folder, 'config.json');
}

/**
 * What the file has for `registry`, if anything. Credential helpers are not started. A file that cannot be used is
 * reported and passed over, as Docker does: public images need no credentials.
 *
 * @param registry host and port as in a reference: docker.io, registry.example:5000
 */
export async function credentialsFor(
  registry: string,
  report: Report,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const file = dockerConfigFile(env);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') report(`${file} is not used: ${error.message}`);
    return undefined;
  });
  if (text === undefined) return undefined;
  const config = schema.safeParse(parseJson(text));
  if (!config.success) {
    report(`${file} is not used: it is no JSON with an object "auths"`);
    return undefined;
  }
  const entry = Object.entries(config.data.auths).find(([key]) => hostOf(key) === registry)?.[1];
  if (entry === undefined) return undefined;
  const [username, password] =
    entry.auth === undefined ? [entry.username, entry.password] : decoded(entry.auth);
  if (!username || password === undefined) {
    report(`${file} has no user name and password for ${registry} in "auth"`);
    return undefined;
  }
  return { username, password, file };
}

/** Keys are hosts or, from old versions, URLs: `https://index.docker.io/v1/` stands for Docker Hub. */
function hostOf(key: string): string {
  const host = key
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function decoded(auth: string): [string | undefined, string | undefined] {
  const pair = Buffer.from(auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  // Docker writes zero bytes after some passwords.
  return colon === -1
    ? [undefined, undefined]
    : [pair.slice(0, colon), pair.slice(colon + 1).replace(/\0+$/, '')];
}
