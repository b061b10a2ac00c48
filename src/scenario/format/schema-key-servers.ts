/** Key servers in the format of scenario files: what they serve, and how they fail. */
import * as z from 'zod';
import { duration, json, line, note, path, statusCode, text } from './schema-words.ts';

/** What a server does, besides what stands beside it; in steps all of it may change. */
const behaviour = {
  keys: note(
    z.array(text).min(1, 'expected at least one key').optional(),
    'Which keys of the issuer. Default: all.',
    ['old', 'new'],
  ),
  more: note(
    z.array(z.record(z.string(), json)).optional(),
    'More keys, as they stand in a JWKS, behind those of the issuer.',
    [{ kty: 'OKP', crv: 'X25519', kid: 'other', x: 'hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo' }],
  ),
  copies: note(
    z.int().min(1).max(5000).optional(),
    'So many more keys that sign nothing, in front of those of the issuer.',
    2000,
  ),
  body: note(z.string().optional(), 'This text in place of the keys.', '{"keys":[]}', ''),
  type: note(line.optional(), 'Content-Type of the body. Default: application/json.', 'text/html'),
  status: note(statusCode.optional(), 'Status code of the answer, from 200.', 503),
  redirect: note(text.optional(), 'Send whoever asks to this address.', 'http://169.254.169.254/keys'),
  delay: note(duration.optional(), 'Time before the answer.', '3s'),
  reset: note(z.literal(true).optional(), 'End each connection without an answer.', true),
  stopped: note(z.literal(true).optional(), 'Let nobody connect, as when no server is there.', true),
  certificate: note(
    z.enum(['trusted', 'untrusted', 'expired', 'wrong-host']).optional(),
    'The certificate: from the CA that istiod was given (default); from one that nobody was given; expired; or for another host.',
    'expired',
  ),
};

export const keyServerSchema = z
  .strictObject({
    serves: note(text, 'Name of the issuer whose keys it serves.', 'sample'),
    where: note(
      z.enum(['external', 'in-cluster']).default('external'),
      'external: a server outside the mesh that the target starts. in-cluster: a workload that the scenario applies.',
      'in-cluster',
    ),
    path: note(path.default('/get_jwks'), 'Path of the keys.', '/keys'),
    pods: z
      .strictObject({
        namespace: note(line, 'Namespace of the pods.', 'foo'),
        app: note(line, 'Label app of the pods, and name of the container with the log.', 'nginx-proxy'),
      })
      .optional()
      .meta({
        id: 'KeyServerPods',
        title: 'The pods of a key server in the cluster',
        description: 'in-cluster: the pods whose access log says who fetched.',
        examples: [{ namespace: 'foo', app: 'nginx-proxy' }],
      }),
    discovery: note(
      z.literal(true).optional(),
      'Serve /.well-known/openid-configuration as well, which leads to the keys.',
      true,
    ),
    http2Only: note(z.literal(true).optional(), 'Speak nothing but HTTP/2 on the HTTPS port.', true),
    ...behaviour,
  })
  .meta({
    id: 'KeyServer',
    title: 'A server of keys; all but serves, where, path and pods is for external ones',
  });

export const setSchema = z.strictObject(behaviour).meta({
  id: 'SetKeyServer',
  title: 'What a key server does from this step on',
  description:
    'Keys and certificate that are not named are as under keyServers; without anything that fails it works.',
  examples: [{ keys: ['new'] }, { status: 503 }, {}],
});

/** Names of what only an external server can do. */
export const externalOnly: readonly string[] = ['discovery', 'http2Only', ...Object.keys(behaviour)];
