/**
 * The format of a scenario file. The zod schema is the single source: types, validation and the JSON schema
 * for editors (schema/scenario.schema.json) all come from it.
 */
import { z } from 'zod';

const name = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'expected lower case letters, digits and hyphens, such as require-jwt',
  );
const text = z.string().min(1, 'expected some text');
const range = z.string().min(1, 'expected a range of versions, such as ">=1.21 <1.27.8"');
const fetchMode = z.enum(['istiod', 'envoy', 'hybrid']);
const statusCode = z
  .int()
  .min(100, 'expected a status code from 100 to 599')
  .max(599, 'expected a status code from 100 to 599');
const json: z.ZodType<unknown> = z.unknown();

/** When something holds. All fields that are given must match. */
const conditionSchema = z
  .strictObject({
    istio: range
      .optional()
      .meta({ description: 'Semver range of the Istio version, such as ">=1.21 <1.27.8".' }),
    envoy: range.optional().meta({ description: 'Semver range of the Envoy version.' }),
    kubernetes: range.optional().meta({ description: 'Semver range of the Kubernetes version.' }),
    asm: range.optional().meta({
      description: 'Semver range of the Alibaba ASM version. Never matches a mesh that is not ASM.',
    }),
    fetch: z
      .union([fetchMode, z.array(fetchMode).min(1)], {
        error: 'expected istiod, envoy or hybrid, or a list of these',
      })
      .optional()
      .meta({ description: 'Who fetches jwksUri: PILOT_JWT_ENABLE_REMOTE_JWKS of istiod.' }),
    target: z
      .union([text, z.array(text).min(1)], {
        error: 'expected the name of a target such as kind, or a list of names',
      })
      .optional()
      .meta({ description: 'kind, cluster, local or model.' }),
    row: z.string().optional().meta({ description: 'Glob over the name of the row, such as "RS*".' }),
    column: z.string().optional().meta({ description: 'Glob over the name of the column.' }),
  })
  .meta({ id: 'Condition', title: 'When something holds' });

const sourceSchema = z
  .strictObject({
    document: text.meta({ description: 'Title of the document.' }),
    section: text.meta({ description: 'Heading or question of the document that makes the promise.' }),
    url: z.url('expected a URL such as https://istio.io/latest/docs/').optional(),
  })
  .meta({ id: 'Source', title: 'The document that makes the promise' });

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
const algorithm = z.union([z.enum(algorithms), z.string().regex(/\$\{/, { abort: true })], {
  error: `expected one of ${algorithms.join(', ')}, or a list in ${'${…}'}`,
});

const keySchema = z.strictObject({
  algorithm: algorithm.default('RS256'),
  kid: z.string().optional().meta({ description: 'Default: made from the name of the issuer and the run.' }),
});

const issuerSchema = z
  .strictObject({
    issuer: text.meta({ description: 'The value of the iss claim.' }),
    algorithm: algorithm.optional().meta({ description: 'For an issuer with one key. Default RS256.' }),
    kid: z.string().optional(),
    keys: z
      .record(z.string(), keySchema)
      .optional()
      .meta({ description: 'For an issuer with several keys: a name for each.' }),
  })
  .meta({ id: 'Issuer', title: 'Who signs tokens; its keys are made anew for every run' });

const tokenSchema = z
  .strictObject({
    issuer: z.string().optional().meta({ description: 'Name of the issuer that signs.' }),
    key: z.string().optional().meta({ description: 'Name of the key, for an issuer with several.' }),
    extends: z.string().optional().meta({ description: 'Start from this token; maps are merged.' }),
    signedBy: z.string().optional().meta({
      description: 'Sign with the key of this other issuer, but keep iss and kid: a forged token.',
    }),
    claims: z.record(z.string(), json).optional().meta({
      description: 'Payload claims. iss is filled in from the issuer; null removes a claim.',
    }),
    header: z.record(z.string(), json).optional().meta({
      description: 'Header parameters. alg, kid and typ are filled in; null removes a parameter.',
    }),
    tamper: z
      .enum(['payload', 'signature'])
      .optional()
      .meta({ description: 'Change the token after it was signed.' }),
    unsigned: z.boolean().optional().meta({ description: 'Leave the signature empty, as with alg none.' }),
    raw: z.string().optional().meta({ description: 'Send this text instead of a token.' }),
  })
  .meta({ id: 'Token', title: 'A token, made anew for every run' });

const keyServerSchema = z
  .strictObject({
    serves: text.meta({ description: 'Name of the issuer whose keys it serves.' }),
    where: z.enum(['external', 'in-cluster']).default('external').meta({
      description:
        'external: a server outside the mesh that the target starts. in-cluster: a workload that the scenario applies.',
    }),
    path: z.string().startsWith('/', 'expected a path that starts with "/"').default('/get_jwks'),
    pods: z
      .strictObject({ namespace: text, app: text })
      .optional()
      .meta({ description: 'in-cluster: the pods whose access log says who fetched.' }),
    certificate: z.enum(['trusted', 'untrusted']).default('trusted').meta({
      description:
        'external: whether its certificate comes from the CA of this run or from one that nobody was given.',
    }),
  })
  .meta({ id: 'KeyServer', title: 'A server of keys' });

const manifestSchema = z
  .looseObject({
    apiVersion: text.meta({ description: 'Such as security.istio.io/v1.' }),
    kind: text.meta({ description: 'Such as RequestAuthentication.' }),
    metadata: z.looseObject({
      name: text.meta({ description: 'Name of the resource.' }),
      namespace: text.optional(),
    }),
  })
  .meta({ id: 'Manifest', title: 'A Kubernetes resource as the documentation prints it' });

const bodySchema = z.union(
  [
    z.string(),
    z.strictObject({ contains: text }),
    z.strictObject({
      jwks: text.meta({ description: 'Name of an issuer: the body is a valid JWKS with its keys.' }),
    }),
  ],
  { error: 'expected the text of the body, { contains: part of the text } or { jwks: name of an issuer }' },
);

const answerSchema = z.strictObject({
  code: statusCode.meta({ description: 'The status code, such as 401.' }),
  body: bodySchema.optional().meta({ description: 'The whole body, trimmed; or what it contains.' }),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: 'Response headers that must be equal.' }),
  finding: z.string().optional().meta({ description: 'Why this differs from what is documented.' }),
});
const caseSchema = answerSchema.extend({ when: conditionSchema.optional() });

/** What one cell of a table expects. */
const cellSchema = z
  .union(
    [
      statusCode,
      answerSchema,
      z
        .array(
          z.union([statusCode, caseSchema], {
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

const tableSchema = z
  .object({
    columns: z.array(text).min(1, 'expected at least one column'),
  })
  .catchall(
    z.array(cellSchema, { error: 'expected a list with one cell for each column, such as [200, 401]' }),
  )
  .meta({ id: 'Table', title: 'Rows of expected answers; every key but "columns" is a row' });

const requestSchema = z
  .strictObject({
    url: z.string().optional().meta({
      description: 'Base address, such as http://httpbin.foo:8000. Default through ingress: the gateway.',
    }),
    path: z.string().optional().meta({ description: 'May use ${row} and ${column}.' }),
    token: z
      .string()
      .optional()
      .meta({ description: 'Name of a token, or "no token". May use ${row}, ${column}.' }),
    method: z
      .string()
      .regex(/^[A-Z]+$/, 'expected a method in capital letters, such as POST')
      .optional(),
    host: z.string().optional().meta({ description: 'Host header.' }),
    headers: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'Request', title: 'What every cell of the table sends' });

const objectRefSchema = z.strictObject({
  apiVersion: text,
  kind: text,
  name: text,
  namespace: text.optional(),
});

const fetcher = z.enum(['istiod', 'envoy', 'nobody']);

const stepSchema = z
  .strictObject({
    name: text.meta({ description: 'What happens in this step; unique in the scenario.' }),
    section: text
      .optional()
      .meta({ description: 'Section of the document, if not the one of the scenario.' }),
    when: conditionSchema.optional(),
    apply: z.array(manifestSchema).optional(),
    delete: z.array(objectRefSchema).optional(),
    refused: z
      .strictObject({
        message: text.meta({ description: 'Part of the message with which the API server refuses.' }),
        when: conditionSchema.optional().meta({ description: 'Otherwise it must be accepted.' }),
        finding: z.string().optional(),
      })
      .optional()
      .meta({ description: 'The manifests of this step must be refused.' }),
    from: z
      .string()
      .regex(/^[-a-z0-9]+\.[-a-z0-9]+$/, 'expected an app and its namespace, such as sleep.foo')
      .optional()
      .meta({ description: 'Send with curl from this app, such as sleep.foo.' }),
    through: z
      .literal('ingress')
      .optional()
      .meta({ description: 'Send from outside, through the ingress gateway.' }),
    request: requestSchema.optional(),
    expect: tableSchema.optional(),
    fetched: z
      .strictObject({
        from: text.meta({ description: 'Name of a key server.' }),
        by: z
          .union([fetcher, z.partialRecord(fetchMode, fetcher)], {
            error:
              'expected istiod, envoy or nobody, or one of these for each fetch mode, such as { envoy: nobody }',
          })
          .meta({ description: 'Who it was, or a map from each fetch mode to who it was.' }),
      })
      .optional()
      .meta({ description: 'Who fetched the keys during this step, by the access log of the key server.' }),
    finding: z
      .string()
      .optional()
      .meta({ description: 'What this step shows that the document does not say.' }),
  })
  .meta({ id: 'Step', title: 'Apply, wait until it holds, send, compare' });

const capabilities = ['external-host', 'fetch-mode', 'ingress', 'jwks-ca'] as const;

export const scenarioSchema = z
  .strictObject({
    name: name.meta({ description: 'Unique name, in lower case letters, digits and hyphens.' }),
    title: text.meta({ description: 'What must hold, in one sentence.' }),
    description: z.string().optional(),
    source: sourceSchema,
    tags: z.array(name).default([]),
    when: conditionSchema.optional(),
    requires: z.array(z.enum(capabilities)).default([]),
    mesh: z
      .strictObject({
        fetch: z
          .array(fetchMode)
          .min(1, 'expected at least one fetch mode')
          .optional()
          .meta({ description: 'Run once in each of these fetch modes.' }),
      })
      .optional(),
    apps: z.array(z.string()).default([]).meta({ description: 'Applications of kind/apps that must run.' }),
    lists: z
      .record(z.string(), z.array(text).min(1, 'expected at least one value'))
      .optional()
      .meta({ description: 'A key with ${list} stands for one entry for every value of the list.' }),
    issuers: z.record(z.string(), issuerSchema).default({}),
    tokens: z.record(z.string(), tokenSchema).default({}),
    keyServers: z.record(z.string(), keyServerSchema).default({}),
    steps: z.array(stepSchema).min(1, 'expected at least one step'),
  })
  .meta({ title: 'Scenario of istio-jwt-e2e' });

export type Algorithm = (typeof algorithms)[number];
export type Condition = z.output<typeof conditionSchema>;
export type IssuerSpec = z.output<typeof issuerSchema>;
export type TokenSpec = z.output<typeof tokenSchema>;
export type KeyServerSpec = z.output<typeof keyServerSchema>;
export type Manifest = z.output<typeof manifestSchema>;
export type ObjectRef = z.output<typeof objectRefSchema>;
export type Answer = z.output<typeof answerSchema>;
export type Cell = z.output<typeof cellSchema>;
export type Table = z.output<typeof tableSchema>;
export type RequestSpec = z.output<typeof requestSchema>;
export type StepSpec = z.output<typeof stepSchema>;
export type ScenarioSpec = z.output<typeof scenarioSchema>;
