/** Answers the challenge of a registry: with a token from its token server, or with a password. */
import * as z from 'zod';
import { HarnessError } from '../../../base/errors.ts';
import type { DownloadOptions } from '../../download/download.ts';
import { ask, basic, isLoopback, shown } from '../../download/http-get.ts';
import { readText } from './body.ts';
import type { Challenge } from './challenge.ts';
import { type Credentials, credentialsFor, dockerConfigFile } from './credentials.ts';
import { parseJson } from './parse-json.ts';
import type { Reference } from './reference.ts';

/** Docker's token servers say `token`, those that follow OAuth 2.0 `access_token`. */
const tokenAnswer = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform((answer) => answer.token || answer.access_token || undefined);

/**
 * The value of Authorization that answers one of `challenges`, with the credentials of Docker's configuration when
 * there are any for the registry, else anonymously.
 *
 * @throws HarnessError E_PROGRAM when access is refused or the challenge cannot be answered safely; Transient
 */
export async function authorize(
  challenges: readonly Challenge[],
  reference: Reference,
  options: DownloadOptions,
): Promise<string> {
  const credentials = await credentialsFor(reference.registry, options.report);
  const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
  if (bearer !== undefined) {
    return `Bearer ${await token(bearer.parameters, reference, credentials, options)}`;
  }
  // The registry itself is spoken to with TLS or on loopback only, so a password may go there.
  const wantsPassword = challenges.some((challenge) => challenge.scheme === 'basic');
  if (wantsPassword && credentials !== undefined) return basic(credentials.username, credentials.password);
  throw unauthorized(
    reference,
    wantsPassword ? 'it wants a user name and a password' : 'it does not say how to log in',
  );
}

/** Access to the image is refused; `why` says what was tried. */
export function unauthorized(reference: Reference, why: string): HarnessError {
  const { registry, repository } = reference;
  return new HarnessError('E_PROGRAM', `${registry} refuses access to ${repository}: ${why}`, {
    hint:
      `check that this image exists. If it is private, log in: docker login ${registry}, or write the credentials to ` +
      `"auths" in ${dockerConfigFile()} (credential helpers are not asked)`,
  });
}

async function token(
  parameters: ReadonlyMap<string, string>,
  reference: Reference,
  credentials: Credentials | undefined,
  options: DownloadOptions,
): Promise<string> {
  const url = realm(parameters.get('realm'), reference);
  const service = parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', parameters.get('scope') ?? `repository:${reference.repository}:pull`);
  const authorization = credentials && basic(credentials.username, credentials.password);
  const answer = await ask(url.href, { ...options, accept: 'application/json', authorization });
  const where = url.origin;
  if (answer.status === 401 || answer.status === 403) {
    await answer.body.dump();
    const whose =
      credentials === undefined ? 'no anonymous token' : `no token for the user in ${credentials.file}`;
    throw unauthorized(reference, `${where} gives ${whose}`);
  }
  const issued = tokenAnswer.safeParse(parseJson(await readText(answer)));
  if (answer.status !== 200 || !issued.success || issued.data === undefined) {
    throw new HarnessError(
      'E_PROGRAM',
      `${where} answered ${answer.status} without a token for ${reference.registry}`,
      {
        hint: 'a proxy may have answered instead of it; open the address to see',
      },
    );
  }
  return issued.data;
}

/** The token server's address. It may be any host, but what is sent there must not be readable on the way. */
function realm(value: string | undefined, reference: Reference): URL {
  const url = value !== undefined && URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return url;
  throw new HarnessError(
    'E_PROGRAM',
    `${reference.registry} names the token server ${url === undefined ? value : shown(url.href)}, which is no https URL`,
    { hint: 'credentials and tokens are sent with TLS only; mend the registry, or set another hub' },
  );
}
