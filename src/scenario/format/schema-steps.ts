/** Steps in the format of scenario files. */
import * as z from 'zod';
import { setSchema } from './schema-key-servers.ts';
import { requestSchema, tableSchema } from './schema-tables.ts';
import {
  applicationRef,
  capability,
  conditionSchema,
  duration,
  fetchMode,
  json,
  line,
  note,
  part,
  serverName,
  text,
} from './schema-words.ts';

const manifestSchema = z
  .looseObject({
    apiVersion: note(line, 'API group and version.', 'security.istio.io/v1'),
    kind: note(line, 'Kind of the object.', 'RequestAuthentication'),
    metadata: z
      .looseObject({
        name: note(line, 'Name of the object.', 'require-jwt'),
        namespace: note(line.optional(), 'Namespace of the object, where it has one.', 'foo'),
      })
      .meta({
        id: 'Metadata',
        title: 'Which object it is',
        description: 'Name and namespace; labels and annotations as Kubernetes has them.',
        examples: [{ name: 'require-jwt', namespace: 'foo' }],
      }),
  })
  .meta({
    id: 'Manifest',
    title: 'A Kubernetes object as the documentation prints it; all other fields are its own',
  });

export const ownFilesSchema = z
  .strictObject({
    files: note(
      z.union([text, z.array(text).min(1, 'expected at least one file')], {
        error: 'expected a file, a folder or a pattern, or a list of these',
      }),
      'Files with manifests, relative to the scenario file: a file, a folder with all that is in it, a pattern, or a folder with a kustomization, which kustomize or kubectl renders.',
      '../policies/*.yaml',
      ['../policies/jwt.yaml', '../overlays/test'],
    ),
    kinds: note(
      z.array(line).min(1, 'expected at least one kind').optional(),
      'Only objects of these kinds are applied, and all others in the files are left out. Default: all.',
      ['AuthorizationPolicy', 'RequestAuthentication'],
    ),
    namespace: note(line.optional(), 'Put everything into this namespace.', 'foo'),
    keys: note(
      z.array(text).optional(),
      'Issuers of the scenario: rules of RequestAuthentications for them get the keys of this run, in place of their own jwks or jwksUri.',
      ['sample'],
    ),
    patches: note(
      z
        .array(
          z
            .strictObject({
              kind: note(line, 'Kind of the objects.', 'RequestAuthentication'),
              name: note(line.optional(), 'Name of the object. Default: all of the kind.', 'jwt'),
              merge: note(
                z.record(z.string(), json),
                'What is merged into them (JSON Merge Patch, RFC 7396): null removes, lists are replaced.',
                { spec: { selector: { matchLabels: { app: 'httpbin' } } } },
              ),
            })
            .meta({ id: 'Patch', title: 'What a test has to change in an object' }),
        )
        .optional(),
      'What a test has to change, in their order.',
      [{ kind: 'RequestAuthentication', merge: { spec: { selector: null } } }],
    ),
  })
  .meta({ id: 'OwnFiles', title: 'Manifests that stay in files of your own' });

export const objectRefSchema = z
  .strictObject({
    apiVersion: note(line, 'API group and version.', 'security.istio.io/v1'),
    kind: note(line, 'Kind of the object.', 'AuthorizationPolicy'),
    name: note(line, 'Name of the object.', 'require-jwt'),
    namespace: note(line.optional(), 'Namespace of the object, where it has one.', 'foo'),
  })
  .meta({ id: 'ObjectReference', title: 'Which object to delete' });

const fetcher = z.enum(['istiod', 'envoy', 'nobody']);

const refusedSchema = z
  .strictObject({
    message: note(part, 'Part of the message with which the API server refuses.', 'cannot be all-numeric'),
    when: note(conditionSchema.optional(), 'Where it must be refused. Elsewhere it must be accepted.', {
      istio: '>=1.29',
    }),
    finding: note(
      z.string().optional(),
      'What the refusal shows that the document does not say.',
      'The handbook prints an address here.',
    ),
  })
  .meta({ id: 'Refused', title: 'That manifests must be refused' });

const fetchedSchema = z
  .strictObject({
    from: note(text, 'Name of the key server.', 'outside'),
    by: note(
      z.union([fetcher, z.partialRecord(fetchMode, fetcher)], {
        error:
          'expected istiod, envoy or nobody, or one of these for each fetch mode, such as { envoy: nobody }',
      }),
      'Who it was, or who it was in each fetch mode.',
      'istiod',
      {
        istiod: 'istiod',
        envoy: 'envoy',
      },
    ),
  })
  .meta({ id: 'Fetched', title: 'Who fetched the keys' });

const afterSchema = z
  .strictObject({
    fetches: note(
      z.int().min(1).max(100),
      'How often the keys must have been asked for since the step began. The last but one was answered, and used, before the last one.',
      2,
    ),
    of: note(text, 'Name of the key server.', 'outside'),
  })
  .meta({ id: 'After', title: 'What must have happened before anything is sent' });

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
/** Namespace and name, as Kubernetes has them (RFC 1123). */
const gatewayName = String.raw`${label}/${label}(?:\.${label})*`;

const throughSchema = z.union(
  [
    z
      .string()
      .regex(
        new RegExp(`^(ingress|gateway ${gatewayName})$`),
        'expected ingress, or the namespace and name of a Gateway, such as gateway foo/edge',
      ),
    z
      .strictObject({
        gateway: note(
          z
            .string()
            .regex(
              new RegExp(`^${gatewayName}$`),
              'expected the namespace and name of a Gateway, such as foo/edge',
            ),
          "Namespace and name of a Gateway, of Istio's API or of the Gateway API.",
          'foo/edge',
        ),
        port: note(
          z.int().min(1).max(65_535).optional(),
          'Port of one of its listeners. Default: the first one for HTTP, or for HTTPS.',
          8443,
        ),
        https: note(
          text.optional(),
          'Send with HTTPS, and trust the CA of this certificate and no other.',
          'edge',
        ),
        sni: note(
          serverName.optional(),
          'Server name that the client asks for (SNI). Default: the host of the request, else the first one of the certificate.',
          'edge.example.com',
        ),
      })
      .meta({ id: 'Through', title: 'The gateway that requests go through, and how' }),
  ],
  { error: 'expected ingress, a gateway such as gateway foo/edge, or { gateway: foo/edge, port: 8080 }' },
);

const manifestsNote = 'Manifests to apply, or files with them, in their order, after what is deleted.';

export const stepSchema = z
  .strictObject({
    name: note(text, 'What happens in this step; unique in the scenario.', 'a token is required'),
    section: note(
      text.optional(),
      'Section of the document, if not the one of the scenario.',
      'Require a valid token',
    ),
    when: note(conditionSchema.optional(), 'The meshes that this step is for; on others it is left out.', {
      kubernetes: '>=1.30',
    }),
    requires: note(
      z.array(capability).min(1, 'expected at least one capability').optional(),
      'What the target must be able to do for this step; elsewhere it is skipped, with the reason.',
      ['jwks-ca'],
    ),
    apply: note(z.array(manifestSchema).min(1, 'expected at least one manifest').optional(), manifestsNote, [
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'strict', namespace: 'foo' },
        spec: { mtls: { mode: 'STRICT' } },
      },
    ]),
    delete: note(
      z.array(objectRefSchema).min(1, 'expected at least one object').optional(),
      'Objects to delete, before anything is applied.',
      [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          name: 'strict',
          namespace: 'foo',
        },
      ],
    ),
    set: note(
      z
        .record(z.string(), setSchema)
        .refine((servers) => Object.keys(servers).length > 0, 'expected at least one key server')
        .optional(),
      'What external key servers do from now on, by their names, before anything is deleted or applied.',
      { outside: { status: 503 } },
    ),
    after: note(
      afterSchema.optional(),
      'What must have happened before anything is sent, so that answers are not those from before.',
      { fetches: 2, of: 'outside' },
    ),
    selectsNothing: note(
      z.boolean().optional(),
      'The policies of this step are meant to select no workload. Default: false, and then one that selects none is an error.',
      true,
    ),
    refused: note(refusedSchema.optional(), 'The manifests of this step must be refused.', {
      message: 'cannot be all-numeric',
    }),
    rejected: note(
      part.optional(),
      'A proxy must reject what this step applies (NACK), with this in its reason. What it had before goes on deciding.',
      'has invalid local jwks',
    ),
    from: note(
      applicationRef.optional(),
      'Application and namespace from which requests are sent with curl.',
      'sleep.foo',
    ),
    through: note(
      throughSchema.optional(),
      'Send from outside the cluster, through the ingress gateway or another gateway.',
      'ingress',
      'gateway foo/edge',
      { gateway: 'foo/edge', https: 'edge' },
    ),
    request: note(requestSchema.optional(), 'What is the same for all cells of the table.', {
      url: 'http://httpbin.foo:8000',
    }),
    expect: note(tableSchema.optional(), 'The table of answers that must come.', {
      columns: ['no token', 'valid'],
      '/headers': [403, 200],
    }),
    within: note(
      duration.optional(),
      'Longest time from the change until each cell is answered as expected, and nothing else any more.',
      '5s',
    ),
    fetched: note(
      fetchedSchema.optional(),
      'Who fetched the keys during this step, by the access log of the key server.',
      {
        from: 'outside',
        by: 'istiod',
      },
    ),
    finding: note(
      z.string().optional(),
      'What this step shows that the document does not say.',
      'By default istiod fetches the keys.',
    ),
  })
  .meta({ id: 'Step', title: 'Apply, wait until it holds, send, compare' });

/** As it is written: files are read before anything is checked. For editors, and for the reference. */
export const writtenStepSchema = stepSchema
  .extend({
    apply: note(
      z
        .array(z.union([manifestSchema, ownFilesSchema]))
        .min(1)
        .optional(),
      manifestsNote,
      [{ files: '../policies/*.yaml', keys: ['sample'] }],
    ),
  })
  .meta(stepSchema.meta() ?? {});

export type OwnFiles = z.output<typeof ownFilesSchema>;
