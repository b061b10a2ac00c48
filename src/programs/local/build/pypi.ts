/** Finds a wheel in a Python package index: https://packaging.python.org/en/latest/specifications/simple-repository-api/ */
import * as z from 'zod';
import { HarnessError } from '../../../base/errors.ts';
import { attempts, type DownloadOptions } from '../../download/download.ts';
import { get, shown } from '../../download/http-get.ts';
import { readText } from '../../oci/registry/body.ts';

const json = 'application/vnd.pypi.simple.v1+json';

const project = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.object({ sha256: z.string().optional() }),
    }),
  ),
});

export interface Wheel {
  readonly file: string;
  readonly url: string;
  /** What the index says. */
  readonly sha256: string;
}

/** The machines in the words of Python. */
const machines = { 'linux-amd64': 'x86_64', 'linux-arm64': 'aarch64' } as const;

export type WheelPlatform = keyof typeof machines;

/** The index as pip's variable names it, else PyPI. */
export function indexOf(env: NodeJS.ProcessEnv): string {
  const set = env.PIP_INDEX_URL;
  return set !== undefined && /^https?:/.test(set) && URL.canParse(set) ? set : 'https://pypi.org/simple';
}

/**
 * The wheel of a version for Linux with glibc.
 *
 * @throws HarnessError E_PROGRAM when the index cannot be read or has no such wheel; E_TIMEOUT; E_INTERRUPTED
 */
export async function wheelInIndex(
  index: string,
  wanted: { readonly name: string; readonly version: string; readonly platform: WheelPlatform },
  http: DownloadOptions,
): Promise<Wheel> {
  const { name, version, platform } = wanted;
  const { files, page, at } = await filesOf(index, name, http);
  const start = `${name.replaceAll('-', '_')}-${version}-py3-none-manylinux_`;
  const wheel = files.find(
    ({ filename }) => filename.startsWith(start) && filename.endsWith(`_${machines[platform]}.whl`),
  );
  if (wheel?.hashes.sha256 === undefined) {
    throw new HarnessError('E_PROGRAM', `${shown(page)} has no wheel of ${name} ${version} for ${platform}`);
  }
  const url = withCredentials(new URL(wheel.url, at), new URL(index));
  return { file: wheel.filename, url, sha256: wheel.hashes.sha256 };
}

/**
 * The versions that have a wheel for Linux with glibc, in no order.
 *
 * @throws HarnessError E_PROGRAM when the index cannot be read; E_TIMEOUT; E_INTERRUPTED
 */
export async function wheelVersions(index: string, name: string, http: DownloadOptions): Promise<string[]> {
  const { files } = await filesOf(index, name, http);
  const start = `${name.replaceAll('-', '_')}-`;
  const versions = files.flatMap(({ filename }) =>
    filename.startsWith(start)
      ? (/^(.*)-py3-none-manylinux_/.exec(filename.slice(start.length))?.[1] ?? [])
      : [],
  );
  return [...new Set(versions)];
}

async function filesOf(index: string, name: string, http: DownloadOptions) {
  const page = `${index.replace(/\/+$/, '')}/${name}/`;
  const { text, at } = await attempts(page, http, async (signal) => {
    const answer = await get(page, { ...http, signal, accept: json });
    return { text: await readText(answer), at: answer.url };
  });
  return { files: parse(text, page).files, page, at };
}

function parse(text: string, page: string): z.output<typeof project> {
  try {
    return project.parse(JSON.parse(text));
  } catch (cause) {
    throw new HarnessError('E_PROGRAM', `${shown(page)} is not in the JSON form of package indexes`, {
      details: text.slice(0, 500),
      cause,
    });
  }
}

/** User name and password of the index are for its files, too, when they are at the same place. */
function withCredentials(url: URL, index: URL): string {
  if (url.origin === index.origin && url.username === '') {
    url.username = index.username;
    url.password = index.password;
  }
  return url.href;
}
