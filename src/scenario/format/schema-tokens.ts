/** Issuers and tokens in the format of scenario files. */
import * as z from 'zod';
import { mutations } from './mutations.ts';
import { json, note, text } from './schema-words.ts';

/** The algorithms that Istio's documentation lists, in its order. */
export const algorithms = [
  'ES256',
  'ES384',
  'ES512',
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
] as const;
/** Those, and two that Istio does not know: ECDSA on secp256k1 (RFC 8812) and Ed448 (RFC 9864). */
export const keyAlgorithms = [...algorithms, 'ES256K', 'Ed448'] as const;
const algorithm = z.union([z.enum(keyAlgorithms), z.string().regex(/\$\{/, { abort: true })], {
  error: `expected one of ${keyAlgorithms.join(', ')}, or a list in ${'${…}'}`,
});

/** Whether a claim is a time (RFC 7519, section 4.1). */
export function isTime(claim: string): boolean {
  return ['exp', 'nbf', 'iat'].includes(claim);
}

/** A time that is relative to now: its sign, how many, and of what. */
export const relativeTime = /^(?:now|([+-])(\d{1,9})([smhd]))$/;

const keySchema = z
  .strictObject({
    algorithm: note(algorithm.default('RS256'), 'Algorithm that the key signs with.', 'ES256'),
    kid: note(
      z.string().optional(),
      'Key ID. Default: made from the name of the issuer and the run.',
      'key-1',
    ),
    jwk: note(
      z.record(z.string(), json).optional(),
      'Members of its JWK that are added or replaced; null removes one.',
      { use: 'enc', alg: 'RSA-OAEP', kid: null },
    ),
  })
  .meta({ id: 'Key', title: 'One of several keys of an issuer' });

export const issuerSchema = z
  .strictObject({
    issuer: note(text, 'Value of the claim iss.', 'testing@secure.istio.io'),
    algorithm: note(
      algorithm.optional(),
      'Algorithm of the key, for an issuer with one key. Default: RS256.',
      'ES256',
    ),
    kid: note(
      z.string().optional(),
      'Key ID, for an issuer with one key. Default: made from the name of the issuer and the run.',
      'key-1',
    ),
    keys: note(
      z.record(z.string(), keySchema).optional(),
      'For an issuer with several keys: a name for each, in place of algorithm and kid.',
      {
        old: { algorithm: 'RS256' },
        new: { algorithm: 'ES256' },
      },
    ),
  })
  .meta({ id: 'Issuer', title: 'Who signs tokens; its keys are made anew for every run' });

export const tokenSourceSchema = z
  .union(
    [
      z
        .strictObject({
          command: note(
            z.array(text).min(1, 'expected a program and its arguments'),
            'A program and its arguments, which prints the token, or JSON with access_token. Needs --allow-commands.',
            ['gcloud', 'auth', 'print-identity-token'],
          ),
        })
        .meta({ id: 'TokenFromCommand', title: 'A token that a program prints' }),
      z
        .strictObject({
          clientCredentials: z
            .strictObject({
              tokenUrl: note(
                z.union([z.url({ protocol: /^https?$/ }), z.string().regex(/\$\{/)], {
                  error: 'expected an address that starts with http:// or https://',
                }),
                'Token endpoint of the authorization server.',
                'https://login.example.com/realms/shop/protocol/openid-connect/token',
              ),
              clientId: note(text, 'Name of the client.', 'orders-test'),
              clientSecret: note(text, 'Secret of the client.', '${env.TOKEN_CLIENT_SECRET}'),
              scope: note(text.optional(), 'Scopes, with blanks between them.', 'orders:read'),
              audience: note(text.optional(), 'Parameter audience, where the server wants one.', 'orders'),
              auth: note(
                z.enum(['basic', 'post']).optional(),
                'How the client says who it is: HTTP Basic (default), or in the body.',
                'post',
              ),
            })
            .meta({
              id: 'ClientCredentials',
              title: 'A client of an authorization server',
              description: 'The client credentials grant of OAuth 2.0 (RFC 6749, section 4.4).',
              examples: [
                {
                  tokenUrl: 'https://login.example.com/token',
                  clientId: 'orders-test',
                  clientSecret: '${env.TOKEN_CLIENT_SECRET}',
                },
              ],
            }),
        })
        .meta({ id: 'TokenFromClientCredentials', title: 'A token of an authorization server' }),
    ],
    { error: 'expected { command: [program, …] } or { clientCredentials: { … } }' },
  )
  .meta({ id: 'TokenSource', title: 'Who else makes the token' });

export const tokenSchema = z
  .strictObject({
    issuer: note(z.string().optional(), 'Name of the issuer that signs.', 'sample'),
    key: note(z.string().optional(), 'Name of the key, for an issuer with several.', 'old'),
    extends: note(
      z.string().optional(),
      'Start from this token. Claims and header are merged, other fields replace.',
      'valid',
    ),
    signedBy: note(
      z.string().optional(),
      'Sign with the key of this other issuer, but keep iss and kid: a forged token.',
      'stranger',
    ),
    claims: note(
      z.record(z.string(), json).optional(),
      'Claims of the payload. iss is filled in from the issuer; null removes a claim. exp, nbf and iat may be relative to now: +1h, -90s, now.',
      {
        sub: 'somebody',
        aud: ['orders'],
        exp: '+1h',
      },
    ),
    header: note(
      z.record(z.string(), json).optional(),
      'Parameters of the header. alg, kid and typ are filled in; null removes one.',
      {
        typ: 'at+jwt',
      },
    ),
    tamper: note(
      z.enum(['payload', 'signature']).optional(),
      'Change this part of the token after it was signed.',
      'payload',
    ),
    unsigned: note(z.boolean().optional(), 'Leave the signature empty, as with alg none.', true),
    mutate: note(
      z
        .union([z.enum(mutations), z.string().regex(/\$\{/, { abort: true })], {
          error: 'expected one of the ways to forge a token, or all of them with ${mutations}',
        })
        .optional(),
      'Forge the token in this way. ${mutations} is the list of all of them.',
      'alg none',
      '${mutations}',
    ),
    exact: z
      .strictObject({
        header: note(
          z.string().optional(),
          'Text in place of the JSON of the header.',
          '{"alg":"RS256","alg":"none"}',
        ),
        payload: note(
          z.string().optional(),
          'Text in place of the JSON of the claims.',
          '{"iss":"a","iss":"b"}',
        ),
        signature: note(z.string().optional(), 'Third part of the token, as it is.', 'AAAA'),
      })
      .refine((parts) => Object.keys(parts).length > 0, 'expected header, payload or signature')
      .optional()
      .meta({
        id: 'ExactParts',
        title: 'Parts of a token to the letter',
        description: 'Parts of the token to the letter; what is signed is what is sent.',
        examples: [{ payload: '{"iss":"a","iss":"b"}' }],
      }),
    form: note(
      z.enum(['padded', 'base64', 'der']).optional(),
      'How its parts are written: base64url with padding, base64 with padding, or an ECDSA signature in ASN.1 DER.',
      'padded',
    ),
    secret: note(
      z.string().optional(),
      'Sign with HMAC and this text as the secret, whatever the key of the issuer is.',
      '${issuers.sample.pem}',
    ),
    raw: note(
      z.string().optional(),
      'Send this text instead of a token. No other field may stand beside it. May use ${env.TOKEN}.',
      'this-is-not-a-jwt',
      '${env.TOKEN}',
    ),
    from: note(
      tokenSourceSchema.optional(),
      'Somebody else makes the token, at each run. No other field may stand beside it.',
      { command: ['gcloud', 'auth', 'print-identity-token'] },
    ),
  })
  .meta({ id: 'Token', title: 'A token, made anew for every run' });
