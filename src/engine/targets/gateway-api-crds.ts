/** The file with the CustomResourceDefinitions of the Gateway API, which targets install. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import type { Values } from '../../settings/settings.ts';
import { text } from '../../settings/typed.ts';

/**
 * Its path; undefined when none was given, and then the mesh has no Gateway API.
 *
 * @throws HarnessError E_SETTINGS when it cannot be read, or defines no Gateway
 */
export function gatewayApiCrds(values: Values): string | undefined {
  const file = text(values, 'gateway-api-crds');
  if (file === undefined) return undefined;
  const hint =
    'Give the file standard-install.yaml of a release of the Gateway API with --gateway-api-crds FILE.';
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HarnessError('E_SETTINGS', `the file ${file} cannot be read`, { hint, cause });
  }
  if (/^ {2}name: gateways\.gateway\.networking\.k8s\.io$/m.test(content)) return resolve(file);
  throw new HarnessError('E_SETTINGS', `the file ${file} does not define the kind Gateway`, { hint });
}
