/** What a body, a header and what the application received must be like, in the format of scenario files. */
import * as z from 'zod';
import { note, part, path, text } from './schema-words.ts';

export const bodySchema = z
  .union(
    [
      z.string(),
      z.strictObject({
        contains: note(
          z.union([part, z.array(part).min(1, 'expected at least one text')], {
            error: 'expected a text, or a list of texts',
          }),
          'A part of the body, or several.',
          'access denied',
          ['principal', 'somebody'],
        ),
      }),
      z.strictObject({
        jwks: note(text, 'Name of an issuer: the body is a valid JWKS with exactly its keys.', 'sample'),
      }),
    ],
    { error: 'expected the text of the body, { contains: part of the text } or { jwks: name of an issuer }' },
  )
  .meta({ id: 'Body', title: 'The whole body without blanks at its ends, or what it must be like' });

const patternSchema = z
  .strictObject({
    matches: note(
      text,
      'Pattern: * is any text, ? one character.',
      'Bearer realm="*", error="invalid_token"',
    ),
  })
  .meta({ id: 'ValuePattern', title: 'What the value must be like' });

/** For a header that must not be there. */
export const absent = 'absent';

const value = z.union([z.string(), patternSchema], {
  error: `expected the value, ${absent}, or { matches: a pattern }`,
});

export const responseHeadersSchema = z.record(z.string(), value);

const receivedHeader = z.union(
  [z.string(), patternSchema, z.array(z.union([z.string(), patternSchema])).min(1)],
  {
    error: `expected the value, ${absent}, { matches: a pattern }, or a list with each value that must come`,
  },
);

export const receivedSchema = z
  .strictObject({
    method: note(z.string().min(1).optional(), 'Method of the request.', 'GET'),
    path: note(path.optional(), 'Path with the query, as it came.', '/headers?page=1'),
    headers: note(
      z.record(z.string(), receivedHeader).optional(),
      'Headers of the request. A value must come exactly once; a list has every value that must come, in its order.',
      { 'x-jwt-iss': 'testing@secure.istio.io', authorization: absent },
    ),
  })
  .meta({
    id: 'Received',
    title:
      'What the application received, by its echo of the request, such as /headers and /anything of httpbin',
  });
