/** Why a proxy may not have the keys of a token, from its own words and from what istiod says about fetching them. */
import type { EvidenceFile } from '../../target/target.ts';
import type { Explanation } from './explanation.ts';

/** @param uris addresses of keys in the policies that hold for the proxies; at least one */
export function whyNoKeys(
  uris: readonly string[],
  body: string,
  evidence: readonly EvidenceFile[],
): Explanation {
  const list = [...new Set(uris)].join(', ');
  const failures = fetchFailures(uris, evidence);
  if (failures !== undefined) {
    const remedy = 'See that istiod can reach the address, and trusts the certificate of the server.';
    return { cause: failures, remedy };
  }
  // Only a proxy that fetches keys itself says so (jwt_verify_lib, status.cc).
  if (body === 'Jwks remote fetch is failed') {
    return {
      cause: `Envoy cannot fetch the keys of ${list}`,
      remedy:
        'A proxy needs a Service or a ServiceEntry for the host, and for HTTPS a DestinationRule with the CA.',
    };
  }
  return {
    cause: `the proxy may not have the keys of ${list}: see istiod-jwks.txt of the evidence`,
    remedy: 'Compare the kid of the token with the keys at the address.',
  };
}

/** What istiod says about addresses that it could not fetch keys from; undefined when it says nothing of them. */
export function fetchFailures(
  uris: readonly string[],
  evidence: readonly EvidenceFile[],
): string | undefined {
  const lines = evidence
    .filter(({ name }) => name === 'istiod-jwks.txt')
    .flatMap(({ content }) => content.split('\n'));
  const failures = [...new Set(uris)].flatMap((uri) => {
    const reason = lastFailure(lines, uri);
    return reason === undefined ? [] : [`istiod cannot fetch the keys of ${uri}: ${reason}`];
  });
  return failures.length === 0 ? undefined : failures.join('; ');
}

/**
 * What istiod said last about an address that it could not fetch (JwksResolver in pilot/pkg/model). That its time was up,
 * which is what it says in the end, explains less than what it said of each attempt.
 */
function lastFailure(log: readonly string[], uri: string): string | undefined {
  const quoted = `"${uri}": `;
  const reasons = log
    .filter((line) => /fail/i.test(line) && line.includes(quoted))
    .map((line) => line.slice(line.lastIndexOf(quoted) + quoted.length).replace(/\. Retry in .*/, ''))
    .filter((reason) => reason !== '');
  return reasons.findLast((reason) => !reason.includes('context deadline exceeded')) ?? reasons.at(-1);
}
