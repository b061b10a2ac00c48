/** What a scenario asks of the mesh as a whole. Scenarios that ask for the same run together. */
import * as z from 'zod';
import { fetchMode, json, note } from './schema-words.ts';

/** MeshConfig.ProxyPathNormalization.NormalizationType of Istio. */
const pathNormalizations = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;

export const meshSchema = z
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
    istiod: note(
      z
        .record(z.string(), z.string({ error: 'expected text: put numbers, true and false in quotes' }))
        .optional(),
      'Environment variables of istiod, which is restarted with them, and without them afterwards.',
      { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '10s' },
    ),
  })
  .meta({ id: 'Mesh', title: 'Settings of the mesh that the scenario needs' });
