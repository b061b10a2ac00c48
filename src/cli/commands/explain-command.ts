/** `jwt-e2e explain`: what policies answer to a request, or to those of scenarios, and why, without a mesh. */
import { exitCodes, HarnessError } from '../../base/errors.ts';
import { parseCurlLine } from '../../explain/curl-line.ts';
import { explainRequest, explanationText } from '../../explain/explain-request.ts';
import { noPolicies } from '../../init/read-folder.ts';
import { defaultMesh } from '../../policy/input.ts';
import { meshWith } from '../../policy/read-mesh-config.ts';
import { isPolicy } from '../../policy/selection.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { redact, rememberToken, withoutSignatures } from '../../token/decode.ts';
import { readPolicySource } from '../models/policy-source.ts';
import type { Io } from '../support/io.ts';

/**
 * Prints the answer, and a line for each policy that could have decided.
 *
 * @param words the curl line, in one word or in several; or scenario files
 * @returns 0, whatever the answer is; 3 for scenario files with mistakes
 * @throws HarnessError E_USAGE for a line that cannot be read, and when it is not said where the policies are
 */
export async function explainCommand(words: readonly string[], values: Values, io: Io): Promise<number> {
  const line = words.join(' ').trim();
  const to = text(values, 'to');
  // One that is not there is missed as a file: its name is all that was wrong.
  if (to === undefined && line !== '' && !/^curl\b|:\/\//.test(line))
    return (await import('../models/explain-scenarios.ts')).explainScenarios(words, values, io);
  if (line === '' || to === undefined) {
    throw new HarnessError('E_USAGE', 'explain needs a request and the Service that it is sent to', {
      hint: "Write: jwt-e2e explain --from policies/ --to httpbin.foo 'curl http://httpbin.foo:8000/ip'",
    });
  }
  const request = parseCurlLine(line, io.env);
  for (const [, value] of request.headers) for (const word of value.split(/[\s;=]+/)) rememberToken(word);
  for (const value of request.url.searchParams.values()) rememberToken(value);
  const { objects, files, where } = await readPolicySource('explain', values, io);
  // A cluster may have none. A folder without any is not the one that was meant, and everything would pass.
  if (files !== undefined && !objects.some(isPolicy)) throw noPolicies(objects, where);
  const client = text(values, 'client');
  const explained = explainRequest({
    request,
    to,
    objects,
    mesh: meshWith(objects, defaultMesh.rootNamespace),
    client: client === 'outside' ? null : client,
    at: Math.floor(Date.now() / 1000),
  });
  io.stdout.write(
    flag(values, 'json')
      ? `${JSON.stringify(withoutSignatures(explained), null, 2)}\n`
      : redact(explanationText(explained)),
  );
  return exitCodes.passed;
}
