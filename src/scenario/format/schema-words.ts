/** What the parts of the format are made of, and the conditions and sources that stand in several places. */
import * as z from 'zod';

/** Says what a field is, with examples: for editors, and for docs/scenario-reference.md. */
export function note<S extends z.ZodType>(
  schema: S,
  description: string,
  ...examples: readonly [unknown, ...unknown[]]
): S {
  return schema.meta({ description, examples });
}

export const name = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'expected lower case letters, digits and hyphens, such as require-jwt',
  );
export const text = z.string().min(1, 'expected some text');
/** For what must be found in another text, in which there is always a blank. */
export const part = text.regex(/\S/, 'expected some text, and not only blanks');
/** As editors understand it too, which read patterns without their flags. */
const controls = String.raw`\u0000-\u001f\u007f-\u009f`;
/** For what becomes a part of an address or of a command. */
export const line = text.regex(
  new RegExp(`^[^${controls}]*$`),
  'expected text without line breaks and control characters',
);
/** One label of a DNS name after the other, the last of which is no number: an address has no name in a certificate. */
const dnsName = String.raw`(?:[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?\.)*(?!\d+$)[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?`;
/** The name of a server, as a client asks for it in TLS. */
export const serverName = z
  .string()
  .regex(new RegExp(`^${dnsName}$`), 'expected the name of a host, such as edge.example.com');
/** The same in a certificate, which may be for all names below one. */
export const certifiedName = z
  .string()
  .regex(
    new RegExp(String.raw`^(?:\*\.)?${dnsName}$`),
    'expected the name of a host, such as edge.example.com or *.example.com',
  );
/** What is filled in may have blanks in its name: `${tokens["wrong audience"]}`. */
const filledIn = String.raw`\$\{[^}${controls}]*\}`;
/** A path as it stands in a request. */
export const path = z
  .string()
  .regex(
    new RegExp(String.raw`^/(?:[^ $${controls}]|\$(?!\{)|${filledIn})*$`),
    'expected a path that starts with "/" and has no blanks in it',
  );
const range = z.string().min(1, 'expected a range of versions, such as ">=1.21 <1.27.8"');
export const fetchMode = z.enum(['istiod', 'envoy', 'hybrid']);
/** All kinds of target that there are. */
export const targetName = z.enum(['kind', 'cluster', 'local']);
/** What targets may be unable to do, as far as it has to be said. */
export const capability = z.enum(['external-host', 'fetch-mode', 'gateway-api', 'ingress', 'jwks-ca']);
export const statusCode = z
  .int()
  .min(100, 'expected a status code from 100 to 599')
  .max(599, 'expected a status code from 100 to 599');
/** An app and its namespace, from which requests are sent. */
export const applicationRef = z
  .string()
  .regex(/^[-a-z0-9]+\.[-a-z0-9]+$/, 'expected an app and its namespace, such as sleep.foo');
export const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m)$/, 'expected a duration such as 500ms, 3s or 2m')
  // Timers end at 24 days, and what is longer is not waited for at all.
  .refine((text) => exactlyIn(text) <= 86_400_000, {
    error: 'expected a duration of at most a day, which is 1440m',
  });

/** Milliseconds of a duration such as 500ms, 3s or 2m; 0 for what is none. */
function exactlyIn(text: string): number {
  const [, count = '0', unit = 's'] = /^([\d.]+)(ms|s|m)$/.exec(text) ?? [];
  return Number(count) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm'];
}

/** The same in whole milliseconds. */
export function millisecondsOf(text: string): number {
  return Math.round(exactlyIn(text));
}

export const json: z.ZodType<unknown> = z.unknown();

/** When something holds. All fields that are given must match. */
export const conditionSchema = z
  .strictObject({
    istio: note(
      range.optional(),
      'Range of versions of Istio, as npm writes ranges. Pre-releases count.',
      '>=1.21 <1.27.8',
      '1.30.x',
    ),
    envoy: note(range.optional(), 'Range of versions of Envoy.', '>=1.36'),
    kubernetes: note(range.optional(), 'Range of versions of Kubernetes.', '1.32 - 1.36'),
    asm: note(
      range.optional(),
      'Range of versions of Alibaba ASM. Never holds for a mesh that is not ASM.',
      '<1.13',
    ),
    fetch: note(
      z
        .union([fetchMode, z.array(fetchMode).min(1)], {
          error: 'expected istiod, envoy or hybrid, or a list of these',
        })
        .optional(),
      'Who fetches the keys of a jwksUri, by PILOT_JWT_ENABLE_REMOTE_JWKS of istiod.',
      'envoy',
      ['envoy', 'hybrid'],
    ),
    target: note(
      z
        .union([targetName, z.array(targetName).min(1)], {
          error: 'expected kind, cluster or local, or a list of these',
        })
        .optional(),
      'kind, cluster or local.',
      'kind',
      ['kind', 'cluster'],
    ),
    row: note(
      z.string().optional(),
      'Pattern for the name of the row: * is any text, ? one character. In cells only.',
      'RS*',
    ),
    column: note(
      z.string().optional(),
      'Pattern for the name of the column: * is any text, ? one character. In cells only.',
      'valid',
    ),
  })
  .meta({ id: 'Condition', title: 'When something holds' });

export const sourceSchema = z
  .strictObject({
    document: note(text, 'Title of the document.', 'FAQ about JWT authentication'),
    section: note(
      text,
      'Heading or question of the document that makes the promise.',
      'How do I skip JWT authentication for specific paths?',
    ),
    url: note(
      z.url('expected a URL such as https://istio.io/latest/docs/').optional(),
      'Where the document can be read.',
      'https://istio.io/latest/docs/',
    ),
  })
  .meta({ id: 'Source', title: 'The document that makes the promise' });
