/** Requests, answers and tables of them in the format of scenario files. */
import * as z from 'zod';
import { absent, bodySchema, receivedSchema, responseHeadersSchema } from './schema-answers.ts';
import { applicationRef, conditionSchema, duration, note, statusCode, text } from './schema-words.ts';

/** Status codes that begin with the same digit. */
export const codeClass = /^[1-5]xx$/;
const code = z.union([
  statusCode,
  z.string().regex(codeClass, 'expected a status code without quotes, or a class of them such as 2xx'),
]);

export const answerSchema = z.strictObject({
  code: note(code, 'Status code, or a class of them.', 401, '2xx'),
  body: note(bodySchema.optional(), 'Body of the response.', 'RBAC: access denied', {
    contains: 'httpbin.foo',
  }),
  headers: note(
    responseHeadersSchema.optional(),
    `Headers of the response: the value, ${absent}, or a pattern.`,
    { 'content-type': 'text/plain', 'www-authenticate': absent },
    { 'www-authenticate': { matches: 'Bearer realm="*"' } },
  ),
  received: note(
    receivedSchema.optional(),
    'What the application received, when it answers with an echo of the request.',
    { headers: { 'x-jwt-iss': 'testing@secure.istio.io', authorization: absent } },
  ),
  within: note(
    duration.optional(),
    'Longest time from the change until this is answered and nothing else any more. Default: that of the step.',
    '5s',
  ),
  finding: note(
    z.string().optional(),
    'Why this differs from what is documented.',
    'The FAQ does not mention it.',
  ),
});
export const namedAnswerSchema = answerSchema.meta({
  id: 'Answer',
  title: 'An answer, with more than its status code',
});
const caseSchema = answerSchema
  .extend({
    when: note(conditionSchema.optional(), 'When this case counts; without it, always.', { istio: '>=1.22' }),
  })
  .meta({ id: 'Case', title: 'An answer that counts under a condition' });

const word = note(text, 'A class of status codes, or the name of an answer.', '2xx', 'denied');

/** What one cell of a table expects. */
const cellSchema = z
  .union(
    [
      statusCode,
      word,
      namedAnswerSchema,
      z
        .array(
          z.union([statusCode, word, caseSchema], {
            error: 'expected a case such as { when: { istio: ">=1.22" }, code: 401 }, or a status code',
          }),
        )
        .min(1, 'expected at least one case')
        .meta({
          description: 'The first case whose condition matches counts; put the one without a condition last.',
        }),
    ],
    {
      error:
        'expected a status code such as 200, an answer such as { code: 401, body: … }, or a list of cases',
    },
  )
  .meta({ id: 'Cell', title: 'A status code, an answer, or cases by version' });

export const tableSchema = z
  .object({
    columns: note(
      z.array(text).min(1, 'expected at least one column'),
      'Names of the columns: tokens, or paths and addresses.',
      ['no token', 'valid'],
    ),
  })
  .catchall(
    note(
      z.array(cellSchema, { error: 'expected a list with one cell for each column, such as [200, 401]' }),
      'A row: its name is the key, and it has a cell for each column.',
      [200, { code: 401, body: { contains: 'Jwt' } }],
    ),
  )
  .meta({ id: 'Table', title: 'Rows of expected answers; every key but columns is a row' });

export const requestSchema = z
  .strictObject({
    url: note(
      z.string().optional(),
      'Address in front of the path. Default through the ingress: the gateway.',
      'http://httpbin.foo:8000',
    ),
    path: note(
      z.string().optional(),
      'Path for all cells. May use ${row}, ${column} and ${token}.',
      '/headers',
      '/headers?access_token=${token}',
    ),
    token: note(
      z.string().optional(),
      'Name of the token for all cells, or "no token". May use ${row} and ${column}. With ${token} in the request it is sent there, and not in Authorization.',
      'valid',
      'no token',
    ),
    method: note(
      z
        .string()
        .regex(/^[A-Z]+$/, 'expected a method in capital letters, such as POST')
        .optional(),
      'Method of HTTP. Default: GET.',
      'POST',
    ),
    body: note(z.string().optional(), 'Body of the request. Default: none.', '{"name":"a"}'),
    host: note(z.string().optional(), 'Header Host.', 'httpbin.example.com'),
    headers: note(
      z
        .record(
          z.string(),
          z.union([z.string(), z.array(z.string()).min(1, 'expected at least one value')], {
            error: 'expected a text, or a list of texts for a header that is sent several times',
          }),
        )
        .optional(),
      'More headers. A list sends the header once for each value. May use ${row}, ${column} and ${token}.',
      { 'x-purpose': 'test' },
      { 'x-forwarded-for': ['192.0.2.1', '192.0.2.2'] },
    ),
    http: note(
      z
        .union([z.literal('1.0'), z.literal('1.1'), z.literal('2')], {
          error: 'expected "1.0", "1.1" or "2", in quotes',
        })
        .optional(),
      'Version of HTTP. "2" is spoken from the first byte on (prior knowledge), or agreed on in TLS. Default: "1.1".',
      '2',
    ),
    absoluteForm: note(
      z.boolean().optional(),
      'Send the whole address in the request line (RFC 9112, section 3.2.2), as clients do to a proxy. Default: false.',
      true,
    ),
    upgrade: note(
      z.literal('websocket', { error: 'expected websocket' }).optional(),
      'Ask for another protocol on the connection. Of the answer only the head is read.',
      'websocket',
    ),
    before: note(
      z.array(text).min(1, 'expected at least one token').optional(),
      'Tokens with which the same request is sent before, on the same connection. Only the last answer counts.',
      ['valid'],
    ),
    from: note(
      applicationRef.optional(),
      'Application and namespace from which this request is sent with curl, in place of the one of the step.',
      'stranger.foo',
    ),
  })
  .meta({ id: 'Request', title: 'What every cell of the table sends' });
