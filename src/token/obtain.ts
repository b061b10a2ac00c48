/** Tokens that somebody else makes: a program, an authorization server, or whoever has set a variable of the environment. */
import { HarnessError } from '../base/errors.ts';
import { oneLine } from '../base/harmless.ts';
import { timeouts } from '../base/timeouts.ts';
import { throwIfAborted, within } from '../base/wait.ts';
import type { TokenSource } from '../scenario/format/schema.ts';
import { redact, rememberOpaque, rememberToken } from './decode.ts';

/** What the user of the tool allows; scenarios of others ask for it in vain. */
export interface TokenSources {
  /** Whether programs may be run. */
  readonly commands: boolean;
  /** Variables of the environment that may be read besides TOKEN and TOKEN_…. */
  readonly env: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
}

const readable = /^TOKEN(?:_[A-Z0-9_]+)?$/;

/**
 * The value of a variable that a token is made of.
 *
 * @throws HarnessError E_TOKEN when it is not set, or may not be read
 */
export function fromEnvironment(token: string, name: string, { env, variables }: TokenSources): string {
  if (!readable.test(name) && !env.includes(name))
    throw new HarnessError(
      'E_TOKEN',
      `token "${token}" reads the variable ${name} of the environment, which was not allowed`,
      {
        hint: `If you trust the scenario, allow it with --env ${name}. TOKEN and variables that begin with TOKEN_ are always readable.`,
      },
    );
  const value = variables[name]?.trim() ?? '';
  if (value === '')
    throw new HarnessError(
      'E_TOKEN',
      `token "${token}" needs the variable ${name} of the environment, which is not set`,
      {
        hint: `Set it before the run: export ${name}=…`,
      },
    );
  rememberOpaque(value);
  return value;
}

/**
 * Asks a program or an authorization server for a token.
 *
 * @throws HarnessError E_TOKEN when there is none
 */
export async function obtain(
  name: string,
  source: TokenSource,
  { commands }: TokenSources,
  signal: AbortSignal,
): Promise<string> {
  const limit = within(timeouts.token, signal, `getting token "${name}"`);
  try {
    const value =
      'command' in source
        ? await byCommand(name, source.command, commands, limit.signal)
        : await byClientCredentials(name, source.clientCredentials, limit.signal);
    // What is no JWT is a secret as a whole.
    if (value.split('.').length === 3) rememberToken(value);
    else rememberOpaque(value);
    return value;
  } finally {
    limit.done();
  }
}

async function byCommand(
  name: string,
  [program = '', ...args]: readonly string[],
  isAllowed: boolean,
  signal: AbortSignal,
): Promise<string> {
  if (!isAllowed)
    throw new HarnessError(
      'E_TOKEN',
      `token "${name}" comes from the program ${program}, and programs were not allowed`,
      {
        hint: 'If you trust the scenario, allow it with --allow-commands, or allow-commands: true in jwt-e2e.yaml.',
      },
    );
  if ([program, ...args].some((word) => word.includes('\0')))
    throw new HarnessError('E_TOKEN', `the program of token "${name}" has U+0000 in it or in its arguments`, {
      hint: 'Remove it: no program can be given that.',
    });
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    cancelSignal: signal,
    maxBuffer: 1_000_000,
  });
  throwIfAborted(signal);
  if (result.failed) {
    const said =
      String(result.stderr ?? '')
        .trim()
        .split('\n')
        .at(-1) ?? '';
    const how =
      result.code === 'ENOENT'
        ? 'is not there'
        : (result.exitCode ?? result.signal) === undefined
          ? `could not be run (${result.code ?? 'no reason given'})`
          : `ended with ${result.exitCode ?? result.signal}`;
    throw new HarnessError(
      'E_TOKEN',
      oneLine(redact(`the program of token "${name}" ${how}: ${said || program}`)),
      {
        hint: `Try it in a shell: ${oneLine([program, ...args].join(' '))}`,
      },
    );
  }
  return tokenIn(name, String(result.stdout));
}

/** What a program prints: the token alone, or the answer of a token endpoint. */
function tokenIn(name: string, output: string): string {
  const text = output.trim();
  // Also JSON that was cut off, which is no token.
  const fields = /^[{["]/.test(text) ? parsed(text) : { token: text };
  const value = fields.access_token ?? fields.id_token ?? fields.token;
  if (typeof value === 'string' && isSendable(value)) return value;
  throw new HarnessError('E_TOKEN', `the program of token "${name}" has printed no token`, {
    hint: 'It must print the token and nothing else, or JSON with access_token, id_token or token.',
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Whether a header can hold it as a token, which has no blanks. */
function isSendable(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/** The client credentials grant of OAuth 2.0 (RFC 6749, section 4.4). */
async function byClientCredentials(
  name: string,
  {
    tokenUrl,
    clientId,
    clientSecret,
    scope,
    audience,
    auth = 'basic',
  }: Extract<TokenSource, { clientCredentials: object }>['clientCredentials'],
  signal: AbortSignal,
): Promise<string> {
  rememberOpaque(clientSecret);
  // It may be a variable, and is not shown: a password may be in it.
  if (!/^https?:/i.test(tokenUrl) || !URL.canParse(tokenUrl)) {
    throw new HarnessError('E_TOKEN', `the tokenUrl of token "${name}" is no address`, {
      hint: 'Write it in full, such as https://login.example.com/token. See what is filled in for ${…} in it.',
    });
  }
  const url = new URL(tokenUrl);
  if (url.username !== '' || url.password !== '') {
    throw new HarnessError('E_TOKEN', `the tokenUrl of token "${name}" has a user name or a password in it`, {
      hint: 'Write these as clientId and clientSecret, and the address without them.',
    });
  }
  const oauth = await import('oauth4webapi');
  const server = { issuer: url.origin, token_endpoint: tokenUrl };
  const client = { client_id: clientId };
  const authentication =
    auth === 'post' ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret);
  const parameters = new URLSearchParams({
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience }),
  });
  try {
    // Servers of a test often have no certificate; the scenario says http or https.
    const options = { signal, [oauth.allowInsecureRequests]: true };
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication,
      parameters,
      options,
    );
    const { access_token } = await oauth.processClientCredentialsResponse(server, client, response);
    if (isSendable(access_token)) return access_token;
    throw new Error('what it gave has blanks or other signs in it that no token has');
  } catch (thrown) {
    throwIfAborted(signal);
    const { error_description, error, cause, message } = thrown as {
      error?: string;
      error_description?: string;
      cause?: unknown;
      message: string;
    };
    const why = [error, error_description].filter((part) => part !== undefined).join(': ');
    const below = cause instanceof Error ? `: ${cause.message}` : '';
    throw new HarnessError(
      'E_TOKEN',
      oneLine(redact(`${tokenUrl} gave no token "${name}": ${why || `${message}${below}`}`)),
      {
        hint: 'Check tokenUrl, clientId and clientSecret, and whether the client may use the client credentials grant. A certificate authority of your own is named with NODE_EXTRA_CA_CERTS.',
      },
    );
  }
}
