// Keeps one issue about what fails at night: opens it, tells in a comment what is new, closes it when all is well.
// MATRIX has the entries of the matrix as JSON (empty when there was none), the argument is the folder with the reports
// of each run. Needs nothing installed, because it holds a token that may write.
import { failuresOf, unfinished } from './failures.mjs';
import { GitHubError, github } from './github.mjs';
import { bodyOf, list, marker, remembered, table } from './issue-text.mjs';
import { readLegs } from './legs.mjs';

const label = 'nightly';
const title = 'The nightly run fails';
const shown = 50;

/** @param {string} folder */
async function main(folder) {
  const {
    GITHUB_REPOSITORY = '',
    GITHUB_RUN_ID = '',
    GITHUB_SERVER_URL = 'https://github.com',
  } = process.env;
  const api = github(process.env);
  const path = `/repos/${GITHUB_REPOSITORY}`;
  const run = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;

  // The event of a schedule does not say whether this is a fork.
  const repository = await api('GET', path);
  if (repository.fork) return 'This is a fork: nothing to do.';
  if (repository.has_issues === false) return 'This repository has no issues: nothing to do.';

  const legs = readLegs(JSON.parse(process.env.MATRIX || '[]'), folder);
  const all = failuresOf(legs);
  const experimental = all.filter((failure) => failure.experimental);
  const failures = all.filter((failure) => !failure.experimental);
  if (legs.length === 0) {
    const what = 'no versions to test';
    failures.push({ leg: 'the whole run', what, message: 'the job "versions" failed', experimental: false });
  }

  const query = `state=open&labels=${label}&sort=created&direction=asc&per_page=100`;
  /** @type {{ number: number, body: string | null, pull_request?: unknown }[]} */
  const issues = await api('GET', `${path}/issues?${query}`);
  const issue = issues.find((each) => each.pull_request === undefined && each.body?.includes(marker));
  if (issue === undefined) {
    if (failures.length === 0) return 'All versions that must pass have passed, and no issue is open.';
    await ensureLabel(api, path);
    const body = bodyOf(failures, [], experimental, run);
    const opened = await api('POST', `${path}/issues`, { title, body, labels: [label] });
    return `Opened #${opened.number} about ${count(failures)}.`;
  }

  const at = `${path}/issues/${issue.number}`;
  const comment = (/** @type {string} */ body) => api('POST', `${at}/comments`, { body });
  if (failures.length === 0) {
    await comment(`All versions that must pass have passed: ${run}`);
    await api('PATCH', at, { state: 'closed', state_reason: 'completed' });
    return `Closed #${issue.number}.`;
  }
  const before = remembered(issue.body ?? '');
  const is = (/** @type {{ leg: string, what: string }} */ one) => `${one.leg}\n${one.what}`;
  const now = new Set(failures.map(is));
  const then = new Set(before?.map(is));
  const silent = unfinished(legs);
  const open = (before ?? []).filter((each) => silent.has(each.leg) && !now.has(is(each)) && isCheck(each));
  const fresh = failures.filter((failure) => !then.has(is(failure)));
  const gone = (before ?? []).filter((each) => !now.has(is(each)) && !open.includes(each));
  // The comment first: were only the text changed, nobody would hear of what is new.
  if (fresh.length > 0) {
    const fixed = gone.length === 0 ? [] : ['', 'No longer failing:', '', ...list(gone, shown)];
    await comment([`New in ${run}:`, '', ...table(fresh, shown), ...fixed].join('\n'));
  }
  await api('PATCH', at, { body: bodyOf(failures, open, experimental, run) });
  return fresh.length === 0
    ? `#${issue.number} is up to date: ${count(failures)}, none of them new.`
    : `Wrote to #${issue.number} about ${count(fresh)}.`;
}

/** Whether it is about a check or a scenario, and not about a run that did not get that far. */
function isCheck(/** @type {{ what: string }} */ { what }) {
  return what.includes('/') || what.endsWith(': no verdict');
}

/**
 * @param {ReturnType<typeof github>} api
 * @param {string} path
 */
async function ensureLabel(api, path) {
  try {
    await api('GET', `${path}/labels/${label}`);
  } catch (error) {
    if (!(error instanceof GitHubError) || error.status !== 404) throw error;
    await api('POST', `${path}/labels`, {
      name: label,
      color: 'b60205',
      description: 'The nightly run fails',
    });
  }
}

/** @param {readonly unknown[]} failures */
function count(failures) {
  return failures.length === 1 ? 'one failure' : `${failures.length} failures`;
}

try {
  console.log(await main(process.argv[2] ?? '.'));
} catch (error) {
  if (!(error instanceof GitHubError)) throw error;
  console.log(
    `::error title=Tracking issue::${error.message.replaceAll('%', '%25').replaceAll(/\s+/g, ' ')}`,
  );
  process.exitCode = 1;
}
