/** Requests, answers and tables of them in the format of scenario files. */
import * as z from 'zod';
import { conditionSchema, note, statusCode, text } from './schema-words.ts';

const bodySchema = z
  .union(
    [
      z.string(),
      z.strictObject({
        contains: note(text, 'A part of the body.', 'access denied'),
      }),
      z.strictObject({
        jwks: note(text, 'Name of an issuer: the body is a valid JWKS with exactly its keys.', 'sample'),
      }),
    ],
    { error: 'expected the text of the body, { contains: part of the text } or { jwks: name of an issuer }' },
  )
  .meta({ id: 'Body', title: 'The whole body without blanks at its ends, or what it must be like' });

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
  headers: note(z.record(z.string(), z.string()).optional(), 'Headers of the response that must be equal.', {
    'content-type': 'text/plain',
  }),
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
    path: note(z.string().optional(), 'Path for all cells. May use ${row} and ${column}.', '/headers'),
    token: note(
      z.string().optional(),
      'Name of the token for all cells, or "no token". May use ${row} and ${column}.',
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
    host: note(z.string().optional(), 'Header Host.', 'httpbin.example.com'),
    headers: note(z.record(z.string(), z.string()).optional(), 'More headers.', { 'x-purpose': 'test' }),
  })
  .meta({ id: 'Request', title: 'What every cell of the table sends' });
