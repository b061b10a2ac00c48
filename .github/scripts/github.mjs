// The few calls of GitHub's REST API that the scripts need, with messages that say what to do. Needs nothing installed.
import { setTimeout as pause } from 'node:timers/promises';

/** One request, milliseconds. */
const requestMs = 30_000;
const attempts = 3;
/** What is waited before the second attempt, milliseconds; the double before the third. */
const retryMs = 1_000;
/** The longest wait that the server may ask for, milliseconds. */
const longestMs = 60_000;

/** What GitHub refused, in one line. */
export class GitHubError extends Error {
  /**
   * @param {string} message
   * @param {number} [status]
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Calls the API of GITHUB_API_URL with GITHUB_TOKEN. What may be repeated is, when the server has trouble.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) => Promise<any>} throws GitHubError
 */
export function github({ GITHUB_API_URL = 'https://api.github.com', GITHUB_TOKEN = '' }) {
  if (GITHUB_TOKEN === '') throw new GitHubError('GITHUB_TOKEN is not set: the step needs it in its env');
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${GITHUB_TOKEN}`,
    'content-type': 'application/json',
    'user-agent': 'istio-jwt-e2e',
    'x-github-api-version': '2022-11-28',
  };
  return async (method, path, body) => {
    const what = `${method} ${path}`;
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(`${GITHUB_API_URL}${path}`, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(requestMs),
      }).catch((error) => new GitHubError(`${what}: ${error.cause?.message ?? error.message}`));
      if (!(answer instanceof Error) && answer.ok) return answer.json().catch(() => ({}));
      const failed = answer instanceof Error ? answer : await refused(what, answer);
      // A second POST would make a second issue, when only the answer to the first was lost.
      const isSafe =
        method !== 'POST' && (failed.status === undefined || failed.status >= 500 || failed.status === 429);
      if (!isSafe || attempt === attempts) throw failed;
      const asked = answer instanceof Error ? null : answer.headers.get('retry-after');
      const wait = asked === null ? retryMs * attempt : Number(asked) * 1000;
      await pause(Math.min(Number.isFinite(wait) ? wait : retryMs, longestMs));
    }
  };
}

/**
 * @param {string} what
 * @param {Response} answer
 */
async function refused(what, answer) {
  const text = await answer.text().catch(() => '');
  let said = text.slice(0, 200);
  try {
    said = JSON.parse(text).message ?? said;
  } catch {
    // A proxy's page: its beginning has to do.
  }
  const hint = { 401: 'the token is not valid', 403: 'the job needs "permissions: issues: write"' }[
    answer.status
  ];
  const parts = [`${what}: GitHub answered ${answer.status}`, said.replaceAll(/\s+/g, ' ').trim(), hint];
  return new GitHubError(parts.filter(Boolean).join('; '), answer.status);
}
