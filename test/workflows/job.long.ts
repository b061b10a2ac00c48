import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type JobRequest, runJob } from './job.ts';

function setUp(workflow: string, more: Partial<JobRequest> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-jobs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const said: string[] = [];
  const request = {
    workflow,
    job: 'main',
    context: {},
    source: process.cwd(),
    workspace: join(folder, 'work'),
    artifacts: join(folder, 'artifacts'),
    env: { PATH: process.env.PATH },
    signal: new AbortController().signal,
    write: (text: string) => said.push(text),
    ...more,
  };
  return { folder, said, request, run: (now: Partial<JobRequest> = {}) => runJob({ ...request, ...now }) };
}

/** A workflow with one job of these steps, in bash as ours are. */
function steps(text: string, job = ''): string {
  return `defaults: { run: { shell: bash } }\njobs:\n  main:\n    timeout-minutes: 1\n${job}    steps:\n${text}`;
}

test('steps pass on outputs, see the environment of all levels, and write a summary', async () => {
  const { run } = setUp(
    `env: { LEVEL: workflow, WORKFLOW: yes-1 }
${steps(
  `      - id: first
        env: { LEVEL: step }
        run: |
          echo "level=$LEVEL $JOB $WORKFLOW \${OUTER:-none}" >> "$GITHUB_OUTPUT"
          printf 'lines<<END\\na\\nb\\nEND\\n' >> "$GITHUB_OUTPUT"
      - env: { SEEN: "\${{ steps.first.outputs.level }}" }
        run: echo "| $SEEN | $LEVEL |" >> "$GITHUB_STEP_SUMMARY"
`,
  `    env: { LEVEL: job, JOB: "\${{ matrix.name }}" }\n    outputs: { lines: "\${{ steps.first.outputs.lines }}" }\n`,
)}`,
    { context: { matrix: { name: 'x y' } }, env: { PATH: process.env.PATH, OUTER: 'outer' } },
  );
  expect(await run()).toEqual({
    conclusion: 'success',
    outputs: { lines: 'a\nb' },
    summary: '| step x y yes-1 outer | job |\n',
    outcomes: ['success', 'success'],
  });
});

test('after a failure only steps run that ask for it; the outcome can be read', async () => {
  const { run, request } = setUp(
    steps(`      - { id: red, run: "false | cat; touch never" }
      - { run: touch never }
      - { if: always(), env: { OUTCOME: "\${{ steps.red.outcome }}" }, run: echo "$OUTCOME" > outcome.txt }
`),
  );
  expect(await run()).toMatchObject({ conclusion: 'failure', outcomes: ['failure', 'skipped', 'success'] });
  expect(existsSync(join(request.workspace, 'never'))).toBe(false);
  expect(readFileSync(join(request.workspace, 'outcome.txt'), 'utf8')).toBe('failure\n');
});

test('a step that may fail fails nothing', async () => {
  const { run } = setUp(steps('      - { run: exit 3, continue-on-error: true }\n      - { run: "true" }\n'));
  expect(await run()).toMatchObject({ conclusion: 'success', outcomes: ['failure', 'success'] });
});

describe('artifacts', () => {
  const upload = (name: string, path: string, more = '') =>
    `      - { uses: actions/upload-artifact@x, with: { name: ${name}, path: ${path}${more} } }\n`;

  test('go from one job to the next, folders by their content', async () => {
    const { run, folder } = setUp(
      steps(`      - { run: "mkdir -p out/deep && echo 1 > out/deep/a && echo 2 > file" }
${upload('results-1', 'out/')}${upload('results-2', 'file')}${upload('results-3', 'nothing')}`),
    );
    expect(await run()).toMatchObject({ conclusion: 'success' });
    const download = `      - { uses: actions/download-artifact@x, with: { pattern: results-*, path: all, merge-multiple: true } }
      - { run: "cat all/deep/a all/file > both" }
`;
    const workspace = join(folder, 'next');
    expect(await run({ workflow: steps(download), workspace })).toMatchObject({ conclusion: 'success' });
    expect(readFileSync(join(workspace, 'both'), 'utf8')).toBe('1\n2\n');
  });

  test.each([
    ['uploaded twice', `${upload('a', '.')}${upload('a', '.')}`, 'there is an artifact a already'],
    [
      'of what is not there, when it must be',
      upload('a', 'x', ', if-no-files-found: error'),
      'there is no x to upload',
    ],
    ['of several paths', upload('a', '"x*"'), 'only one file or folder can be uploaded here'],
    [
      'by a name that nobody gave',
      '      - { uses: actions/download-artifact@x, with: { name: b } }\n',
      'there is no artifact b',
    ],
  ])('%s fail', async (_, text, message) => {
    const { run, said } = setUp(steps(text));
    expect(await run()).toMatchObject({ conclusion: 'failure' });
    expect(said.join('')).toContain(message);
  });
});

test('a checkout has what git has and would add, and nothing else', async () => {
  const { folder, run, request } = setUp(
    steps('      - { uses: actions/checkout@x }\n      - { run: ls -A > list }\n'),
  );
  const source = join(folder, 'source');
  mkdirSync(join(source, 'node_modules'), { recursive: true });
  for (const name of ['new.txt', 'node_modules/x.js']) writeFileSync(join(source, name), '');
  writeFileSync(join(source, '.gitignore'), 'node_modules\n');
  await execa('git', ['init', '-q'], { cwd: source });
  await run({ source });
  expect(readFileSync(join(request.workspace, 'list'), 'utf8').split('\n')).toEqual([
    '.gitignore',
    'list',
    'new.txt',
    '',
  ]);
});

describe('a step takes its children along', () => {
  const text = (limit: number) =>
    steps(`      - timeout-minutes: ${limit}
        run: |
          sleep 300 &
          echo $! > child.tmp && mv child.tmp child
          wait
`);
  /** Gone, or dead and not yet noticed by whoever adopted it. */
  const isGone = (child: string) =>
    !existsSync(`/proc/${child}`) || / Z /.test(readFileSync(`/proc/${child}/stat`, 'utf8'));
  const patient = { timeout: 20_000, interval: 20 };

  test('when it is interrupted', async () => {
    const controller = new AbortController();
    const { run, request, said } = setUp(text(1), { signal: controller.signal });
    const result = run();
    const file = join(request.workspace, 'child');
    await expect.poll(() => existsSync(file), patient).toBe(true);
    controller.abort();
    expect(await result).toMatchObject({ conclusion: 'failure' });
    expect(said.join('')).toContain('interrupted: the step is ended');
    await expect.poll(() => isGone(readFileSync(file, 'utf8').trim()), patient).toBe(true);
  });

  test('when it takes too long', async () => {
    const { run, request, said } = setUp(text(0.05));
    expect(await run()).toMatchObject({ conclusion: 'failure' });
    expect(said.join('')).toContain('after 0.05 minutes: the step is ended');
    const child = readFileSync(join(request.workspace, 'child'), 'utf8').trim();
    await expect.poll(() => isGone(child), patient).toBe(true);
  });
});

test('a job that is not there is an error that names those that are', async () => {
  await expect(setUp(steps('')).run({ job: 'other' })).rejects.toThrow(
    'there is no job other; there are main',
  );
});
