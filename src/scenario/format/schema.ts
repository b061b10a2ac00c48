/**
 * The format of a scenario file. The zod schema is the single source: types, validation, the JSON schema for editors
 * (schema/scenario.schema.json) and the reference (docs/scenario-reference.md) all come from it.
 */
import * as z from 'zod';
import type { KubeObject } from '../../base/kube-object.ts';
import { keyServerSchema, type setSchema } from './schema-key-servers.ts';
import { type objectRefSchema, stepSchema } from './schema-steps.ts';
import { type answerSchema, namedAnswerSchema, requestSchema, type tableSchema } from './schema-tables.ts';
import {
  algorithms,
  issuerSchema,
  isTime,
  keyAlgorithms,
  relativeTime,
  tokenSchema,
  type tokenSourceSchema,
} from './schema-tokens.ts';
import {
  capability,
  certifiedName,
  conditionSchema,
  fetchMode,
  json,
  name,
  note,
  sourceSchema,
  text,
} from './schema-words.ts';

const certificateSchema = z
  .strictObject({
    hosts: note(
      z.array(certifiedName).min(1, 'expected at least one host'),
      'Names that the certificate is for.',
      ['edge.example.com'],
    ),
  })
  .meta({ id: 'Certificate', title: 'A certificate that a gateway serves HTTPS with' });

/** MeshConfig.ProxyPathNormalization.NormalizationType of Istio. */
const pathNormalizations = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;

/** What a scenario asks of the mesh as a whole. Scenarios that ask for the same run together. */
const meshSchema = z
  .strictObject({
    fetch: note(
      z.array(fetchMode).min(1, 'expected at least one fetch mode').optional(),
      'Run once in each of these fetch modes. Default: once, in any mode.',
      ['istiod', 'envoy'],
    ),
    pathNormalization: note(
      z.enum(pathNormalizations, { error: `expected one of ${pathNormalizations.join(', ')}` }).optional(),
      'How proxies normalize paths before policies look at them. Default: as the mesh is installed, which is BASE in a stock one.',
      'DECODE_AND_MERGE_SLASHES',
    ),
    trustDomain: note(
      z
        .string()
        // As istiod has it (ValidateTrustDomain in pkg/config/validation).
        .regex(
          /^(?:[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?\.?$/,
          'expected a trust domain, such as new.example.com',
        )
        .optional(),
      'The trust domain of the mesh. istiod and the proxies start anew with it, and without it afterwards.',
      'new.example.com',
    ),
    trustDomainAliases: note(
      z.array(z.string().min(1)).min(1, 'expected at least one trust domain').optional(),
      'Trust domains whose identities count as those of the mesh.',
      ['old.example.com'],
    ),
    extensionProviders: note(
      z.array(z.record(z.string(), json)).min(1, 'expected at least one provider').optional(),
      "Providers that policies and Telemetry name, as Istio's MeshConfig has them, in place of those of the installation.",
      [
        {
          name: 'authorizer',
          envoyExtAuthzHttp: { service: 'authorizer.foo.svc.cluster.local', port: 8000 },
        },
      ],
    ),
    defaultConfig: note(
      z.record(z.string(), json).optional(),
      "Fields of Istio's ProxyConfig for all proxies, over those of the installation: gatewayTopology and proxyHeaders. The proxies start anew with them, and without them afterwards.",
      { gatewayTopology: { numTrustedProxies: 1 } },
    ),
    istiod: note(
      z
        .record(
          z.string(),
          z
            .string({ error: 'expected text: put numbers, true and false in quotes' })
            .refine(
              (value) => !value.includes('\0'),
              'expected text without U+0000, which no variable can have',
            ),
        )
        .optional(),
      'Environment variables of istiod, which is restarted with them, and without them afterwards.',
      { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '10s' },
    ),
  })
  .meta({ id: 'Mesh', title: 'Settings of the mesh that the scenario needs' });

export const scenarioSchema = z
  .strictObject({
    name: note(name, 'Unique name, in lower case letters, digits and hyphens.', 'require-jwt'),
    title: note(text, 'What must hold, in one sentence.', 'The path /ip needs a token, other paths do not'),
    description: note(
      z.string().optional(),
      'Longer text for the reader of the file. It is not in the reports.',
      'Needs no gateway.',
    ),
    source: note(
      sourceSchema.optional(),
      'Document and section that make the promise; every check in the reports names them. Leave it out where no document does.',
      {
        document: 'Istio documentation',
        section: 'Require a valid token',
      },
    ),
    tags: note(z.array(name).default([]), 'For --tag and --skip-tag.', ['gateway', 'slow']),
    when: note(
      conditionSchema.optional(),
      'The meshes that it is for; on others all its checks are skipped, with the reason.',
      {
        istio: '>=1.22',
      },
    ),
    requires: note(
      z.array(capability).default([]),
      'What the target must be able to do, besides what is noticed without it: the ingress, the Gateway API and external key servers.',
      ['fetch-mode', 'jwks-ca'],
    ),
    mesh: note(meshSchema.optional(), 'Settings of the mesh that the scenario needs.', {
      fetch: ['istiod', 'envoy'],
      pathNormalization: 'MERGE_SLASHES',
    }),
    live: note(
      z.boolean().optional(),
      'true: the scenario is about a mesh that others use, as it is. It applies nothing, and runs with --live.',
      true,
    ),
    apps: note(
      z.array(z.string()).default([]),
      'Applications of kind/apps that must run before the first step.',
      ['httpbin', 'sleep'],
    ),
    lists: note(
      z.record(z.string(), z.array(text).min(1, 'expected at least one value')).optional(),
      'A key with ${NAME} stands for one entry for every value of the list of that name.',
      {
        alg: ['ES256', 'RS256'],
      },
    ),
    issuers: note(z.record(z.string(), issuerSchema).default({}), 'Who signs tokens, each with a name.', {
      sample: { issuer: 'testing@secure.istio.io' },
    }),
    tokens: note(
      z.record(z.string(), tokenSchema).default({}),
      'Tokens, each with a name that rows or columns use.',
      {
        valid: { issuer: 'sample', claims: { sub: 'somebody' } },
      },
    ),
    keyServers: note(
      z.record(z.string(), keyServerSchema).default({}),
      'Servers of keys, each with a name.',
      { outside: { serves: 'sample' } },
    ),
    certificates: note(
      z.record(z.string(), certificateSchema).default({}),
      'Certificates of gateways, each with a name. They are made for the run, each by a CA of its own.',
      { edge: { hosts: ['edge.example.com'] } },
    ),
    answers: note(
      z.record(z.string(), namedAnswerSchema).optional(),
      'Answers with names, which cells can use.',
      {
        denied: { code: 403, body: 'RBAC: access denied' },
      },
    ),
    requests: note(
      z.record(z.string(), requestSchema).optional(),
      'Requests with names, which rows and columns can use: what they say is added to the request of the step.',
      {
        'as a cookie': { headers: { cookie: 'session=${token}' } },
      },
    ),
    steps: note(
      z.array(stepSchema).min(1, 'expected at least one step'),
      'What is done, one after the other.',
      [
        {
          name: 'before any policy',
          from: 'sleep.foo',
          request: { url: 'http://httpbin.foo:8000' },
          expect: { columns: ['no token'], '/headers': [200] },
        },
      ],
    ),
  })
  .meta({ title: 'Scenario of istio-jwt-e2e' });

export { algorithms, isTime, keyAlgorithms, relativeTime };
/** Of keys. */
export type Algorithm = (typeof keyAlgorithms)[number];
export type MeshSpec = z.output<typeof meshSchema>;
export type Condition = z.output<typeof conditionSchema>;
export type IssuerSpec = z.output<typeof issuerSchema>;
export type TokenSource = z.output<typeof tokenSourceSchema>;
export type TokenSpec = z.output<typeof tokenSchema>;
export type CertificateSpec = z.output<typeof certificateSchema>;
export type KeyServerSpec = z.output<typeof keyServerSchema>;
export type KeyServerChange = z.output<typeof setSchema>;
export type ObjectRef = z.output<typeof objectRefSchema>;
export type Answer = z.output<typeof answerSchema>;
/** A cell once names of answers are filled in. */
export type Cell = number | Answer | (number | (Answer & { readonly when?: Condition | undefined }))[];
export type Table = z.output<typeof tableSchema>;
export type RequestSpec = z.output<typeof requestSchema>;
/** A step once files are read. */
export type StepSpec = Omit<z.output<typeof stepSchema>, 'apply'> & {
  readonly apply?: KubeObject[] | undefined;
};
export type ScenarioSpec = Omit<z.output<typeof scenarioSchema>, 'steps'> & { steps: StepSpec[] };
