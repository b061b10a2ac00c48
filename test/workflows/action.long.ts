/** The action at the root of the project: its steps as GitHub runs them, with a package that writes down how it is called. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { commandHelp } from '../docs/cli.ts';
import { mistakeIn } from '../docs/command-lines.ts';
import { partOf, table } from '../docs/generated.ts';
import { runJob } from './job.ts';
import type { Step } from './workflow.ts';

const text = readFileSync('action.yml', 'utf8');
const action = parse(text) as {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
};
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** What a program was called with, and where. */
interface Call {
  readonly program: string;
  readonly cwd: string;
  readonly args: readonly string[];
}

/**
 * The package that npm "installs", and npm itself: both append a line to a log. The package writes a page and a summary,
 * as the real one does, and ends with the code that a file says.
 */
const recorder = `#!/usr/bin/env node
const { appendFileSync, existsSync, mkdirSync, readFileSync, copyFileSync } = require('node:fs');
const { basename, dirname } = require('node:path');
const program = basename(process.argv[1]);
const args = process.argv.slice(2);
appendFileSync(process.env.CALLS, JSON.stringify({ program, cwd: process.cwd(), args }) + '\\n');
if (program === 'npm' && args[0] === 'install') {
  mkdirSync('node_modules/.bin', { recursive: true });
  copyFileSync(process.argv[1], 'node_modules/.bin/jwt-e2e');
  mkdirSync('node_modules/istio-jwt-e2e/kind', { recursive: true });
  copyFileSync(process.env.GITHUB_ACTION_PATH + '/kind/versions.yaml', 'node_modules/istio-jwt-e2e/kind/versions.yaml');
}
const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
const page = flags.find((each) => each.startsWith('--html='))?.slice('--html='.length);
if (args[0] === 'run' && page !== undefined) {
  mkdirSync(dirname(page), { recursive: true });
  appendFileSync(page, 'the page');
  appendFileSync(process.env.GITHUB_STEP_SUMMARY, '## the summary\\n');
  console.log('::error file=policies/a.yaml,line=3::a check failed');
}
const codes = existsSync(process.env.CODES) ? JSON.parse(readFileSync(process.env.CODES, 'utf8')) : {};
process.exitCode = codes[program === 'npm' ? 'npm' : args[0]] ?? 0;
`;

/** Runs the whole action. @param codes exit codes by command, where they are not 0 */
async function act(inputs: Readonly<Record<string, string>> = {}, codes: Record<string, number> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-action-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const place = (name: string) => join(folder, name);
  for (const name of ['bin', 'work', 'temp', 'artifacts']) mkdirSync(place(name));
  mkdirSync(place('work/my project'));
  writeFileSync(place('bin/npm'), recorder);
  chmodSync(place('bin/npm'), 0o755);
  writeFileSync(place('codes.json'), JSON.stringify(codes));
  const defaults = Object.entries(action.inputs).map(([name, { default: value }]) => [name, value]);
  const said: string[] = [];
  const outputs = {
    ...Object.fromEntries(Object.entries(action.outputs).map(([name, { value }]) => [name, value])),
    key: '${{ steps.prepare.outputs.key }}',
    cache: '${{ steps.prepare.outputs.cache }}',
  };
  const result = await runJob({
    workflow: stringify({ jobs: { action: { 'timeout-minutes': 1, steps: action.runs.steps, outputs } } }),
    job: 'action',
    context: { inputs: { ...Object.fromEntries(defaults), ...inputs } },
    source: process.cwd(),
    workspace: place('work'),
    artifacts: place('artifacts'),
    env: {
      PATH: `${place('bin')}:${process.env.PATH}`,
      HOME: place('home'),
      GITHUB_ACTION_PATH: resolve('.'),
      RUNNER_TEMP: place('temp'),
      CALLS: place('calls'),
      CODES: place('codes.json'),
    },
    signal: new AbortController().signal,
    write: (chunk) => said.push(chunk),
  });
  const log = existsSync(place('calls')) ? readFileSync(place('calls'), 'utf8').trim().split('\n') : [];
  const calls = log.map((line) => JSON.parse(line) as Call);
  const of = (name: string) => calls.find(({ args }) => args[0] === name);
  /** Paths are named from the workspace on. */
  const args = (name: string) => of(name)?.args.map((each) => each.replaceAll(`${place('work')}/`, ''));
  return { ...result, calls, of, args, said: said.join(''), place };
}

const reports = (folder: string) => [
  `--junit=${folder}/junit.xml`,
  `--json=${folder}/results.json`,
  `--html=${folder}/report.html`,
  `--conformance=${folder}/conformance.yaml`,
  `--artifacts=${folder}/artifacts`,
];

describe('action.yml', () => {
  test('pins every action as the workflows do, and puts no expression into a shell command', () => {
    const uses = text.match(/\buses: .*/g) ?? [];
    const workflows = readdirSync('.github/workflows').map((name) =>
      readFileSync(`.github/workflows/${name}`, 'utf8'),
    );
    const pins = new Map(
      workflows
        .flatMap((each) => each.match(/uses: \S+@\S+ # \S+/g) ?? [])
        .map((pin) => pin.split('@') as [string, string]),
    );
    expect(uses.length).toBeGreaterThan(3);
    for (const line of uses) {
      const [name = '', pin] = line.replace(/\/(restore|save)@/, '@').split('@');
      expect(pin, line).toBe(pins.get(name));
    }
    for (const { run, shell } of action.runs.steps) {
      expect(run ?? '').not.toContain('${{');
      if (run !== undefined) expect(shell).toBe('bash');
    }
    expect(action.runs.using).toBe('composite');
  });

  test('every input is described, has a default, and is used', () => {
    for (const [name, { description, default: value }] of Object.entries(action.inputs)) {
      expect(description, name).toMatch(/\w/);
      expect(value, name).toBeTypeOf('string');
      expect(text).toMatch(new RegExp(`inputs\\.${name}\\b`));
    }
    const used = [...text.matchAll(/\binputs\.([\w-]+)/g)].map(([, name = '']) => name);
    expect(used.filter((name) => action.inputs[name] === undefined)).toEqual([]);
  });

  test('docs/ci.md has every input', () => {
    const rows = Object.entries(action.inputs).map(([name, { description, default: value }]) => [
      `\`${name}\``,
      value === '' ? '' : `\`${value}\``,
      description,
    ]);
    const wanted = table(['Input', 'Default', 'What it is'], rows);
    expect(partOf('docs/ci.md', 'action', wanted)).toBe(wanted);
  });
});

describe('the steps', () => {
  test('without inputs: the package of the same version, the documented scenarios, on local', async () => {
    const { calls, args, of, conclusion, summary, said, place, outputs } = await act();
    expect(conclusion, said).toBe('success');
    expect(calls.map(({ program, args: [first] }) => `${program} ${first}`)).toEqual([
      'npm install',
      'jwt-e2e fetch',
      'jwt-e2e run',
    ]);
    expect(args('install')?.at(-1)).toBe(`istio-jwt-e2e@${version}`);
    expect(args('fetch')).toEqual(['fetch']);
    expect(args('run')).toEqual(['run', '--target=local', ...reports('reports'), '--']);
    expect(of('run')?.cwd).toBe(place('work'));
    expect(outputs).toEqual({
      'exit-code': '0',
      reports: 'reports',
      key: expect.stringMatching(/^jwt-e2e-programs-\w+-\w+-[0-9a-f]{16}$/),
      cache: place('home/.cache/istio-jwt-e2e'),
    });
    // Both come from the command itself.
    expect(summary).toContain('## the summary');
    expect(said).toContain('::error file=policies/a.yaml,line=3::');
    expect(readdirSync(place('artifacts/jwt-e2e-reports'))).toEqual(['report.html']);
  });

  test('with all inputs: each becomes one argument', async () => {
    const { args, of, place, said, outputs } = await act({
      paths: 'policies/\r\n\n  more scenarios/a.yaml  \n',
      target: 'local',
      istio: '1.30.5,1.31.1',
      profile: 'all',
      baseline: 'known deviations.yaml',
      args: '--fail-fast\n--grep\ntwo words',
      'min-score': '80',
      reports: 'my reports',
      artifact: 'mine',
      version: '1.2.3-rc.1',
      'working-directory': 'my project',
    });
    expect(args('install')?.at(-1), said).toBe('istio-jwt-e2e@1.2.3-rc.1');
    expect(args('fetch')).toEqual(['fetch', '--istio=1.30.5,1.31.1']);
    expect(args('run')).toEqual([
      ...[
        'run',
        '--target=local',
        '--istio=1.30.5,1.31.1',
        '--profile=all',
        '--baseline=known deviations.yaml',
      ],
      ...[...reports('my project/my reports'), '--fail-fast', '--grep', 'two words'],
      ...['--', 'policies/', 'more scenarios/a.yaml'],
    ]);
    expect(args('mutate')).toEqual([
      ...['mutate', '--profile=all', '--min-score=80', '--', 'policies/', 'more scenarios/a.yaml'],
    ]);
    expect(of('run')?.cwd).toBe(place('work/my project'));
    expect(outputs.reports).toBe('my project/my reports');
    expect(readdirSync(place('artifacts/mine'))).toEqual(['report.html']);
    const known = { commands: await commandHelp(), scripts: {} };
    for (const name of ['fetch', 'run', 'mutate']) {
      const line = args(name)?.filter((each) => each !== '--') ?? [];
      expect(mistakeIn(['jwt-e2e', ...line], known)).toBeUndefined();
    }
  });

  test('version "source" takes the sources of the action, as its lock file has them', async () => {
    // The real command, which knows no such target, so that nothing is started.
    const { calls, said, conclusion } = await act({ version: 'source', target: 'nowhere' });
    expect(calls.map(({ args }) => args[0])).toEqual(['ci']);
    expect(calls[0]?.cwd).toBe(resolve('.'));
    expect(said).toContain('nowhere');
    expect(conclusion).toBe('failure');
  }, 60_000);

  test.each([
    ['kind', 'true', ['install', 'run']],
    ['cluster', 'true', ['install', 'run']],
    ['local', 'false', ['install', 'fetch', 'run']],
  ])('target %s, cache %s: nothing is kept', async (target, cache, names) => {
    const { calls, said } = await act({ target, cache });
    expect(calls.map(({ args: [first] }) => first)).toEqual(names);
    expect(said).not.toMatch(/cache\/\w+ is left out here/);
  });

  test('programs are kept when they were fetched, also when checks fail afterwards', async () => {
    const { outcomes, said } = await act({}, { run: 1 });
    expect(said).toContain('actions/cache/save is left out here');
    expect(outcomes).toEqual([
      'success',
      'success',
      'success',
      'success',
      'success',
      'failure',
      'skipped',
      'success',
    ]);
    expect((await act({}, { fetch: 4 })).said).not.toContain('actions/cache/save is left out here');
  });
});

describe('the exit code', () => {
  test.each([1, 4])('%i fails the job, and the reports are uploaded all the same', async (code) => {
    const { conclusion, place, outputs } = await act({}, { run: code });
    expect([conclusion, outputs['exit-code']]).toEqual(['failure', String(code)]);
    expect(existsSync(place('artifacts/jwt-e2e-reports/report.html'))).toBe(true);
  });

  test('a fetch that fails does not: the run says what is missing', async () => {
    expect((await act({}, { fetch: 4 })).conclusion).toBe('success');
  });

  test('mistakes that no check notices fail the job, and are counted whatever the run came to', async () => {
    expect((await act({ 'min-score': '90' }, { mutate: 3 })).conclusion).toBe('failure');
    expect((await act({ 'min-score': '90' }, { run: 1 })).args('mutate')).toBeDefined();
  });

  test('a package that cannot be installed is never run', async () => {
    const { calls, conclusion } = await act({}, { npm: 1 });
    expect([conclusion, calls.length]).toEqual(['failure', 1]);
  });
});

describe('hostile inputs', () => {
  const hostile = [
    '$(touch pwned)',
    '`touch pwned`',
    '"; touch pwned; "',
    "'; touch pwned; '",
    '${{ github.token }}',
    '--yes',
    '-- --yes',
    '; touch pwned #',
    '| touch pwned',
    '*',
    '\\',
    '%0Akey=stolen',
  ];

  /** As one argument each, in inputs of one line and of several. */
  async function expectText(values: readonly string[]) {
    const [istio = '', profile = '', baseline = '', score = ''] = values;
    const { args, place, said } = await act({
      paths: hostile.join('\n'),
      args: hostile.join('\n'),
      ...{ istio, profile, baseline, 'min-score': score },
    });
    expect(args('run'), said).toEqual([
      ...['run', '--target=local', `--istio=${istio}`, `--profile=${profile}`, `--baseline=${baseline}`],
      ...[...reports('reports'), ...hostile, '--', ...hostile],
    ]);
    expect(args('mutate')).toEqual([
      ...['mutate', `--profile=${profile}`, `--min-score=${score}`, '--', ...hostile],
    ]);
    expect(readdirSync(place('work')).toSorted()).toEqual(['my project', 'reports']);
  }

  test('are text, wherever they stand', async () => {
    for (let index = 0; index < hostile.length; index += 4) await expectText(hostile.slice(index, index + 4));
  });

  test.each([
    ['istio', '1.31.1\nkey=stolen', 'the input "istio" has a line break'],
    ['reports', 'reports\nreports=/etc', 'the input "reports" has a line break'],
    ['baseline', 'a\u001b[2Jb', 'the input "baseline" has a line break or a control character'],
    ['version', '1.2.3 && touch pwned', 'the input "version" cannot be "1.2.3 && touch pwned"'],
    ['version', 'npm:other@1.0.0', 'the input "version" cannot be'],
    ['version', 'https://example.com/x.tgz', 'the input "version" cannot be'],
    ['version', '../somewhere', 'the input "version" cannot be'],
    ['working-directory', 'no-such', 'the input "working-directory" names no folder'],
    ['args', '--fail-fast\n--json=/etc/x', 'the input "args" has --json=/etc/x; name the folder'],
  ])('%s: %j is refused before anything is installed', async (name, value, message) => {
    const { calls, conclusion, said, place } = await act({ [name]: value });
    expect([conclusion, calls]).toEqual(['failure', []]);
    expect(said).toContain(`::error title=istio-jwt-e2e::${message}`);
    expect(readdirSync(place('artifacts'))).toEqual([]);
  });
});

test('a cancelled job lets the command clean up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-action-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'command.mjs');
  writeFileSync(
    program,
    `process.on('SIGTERM', () => { console.log('cleaned up'); process.exit(143); });
    setInterval(() => {}, 1000);
    console.log('runs');`,
  );
  mkdirSync(join(folder, 'jwt-e2e-action'));
  writeFileSync(join(folder, 'jwt-e2e-action/plan.json'), JSON.stringify({ folder, program, run: [] }));
  const run = action.runs.steps.find(({ id }) => id === 'run')?.run ?? '';
  // GitHub tells the shell of the step, and nobody else.
  const shell = execa('bash', ['-e', '-c', run], {
    env: { GITHUB_ACTION_PATH: resolve('.'), RUNNER_TEMP: folder, GITHUB_OUTPUT: join(folder, 'output') },
    reject: false,
  });
  shell.stdout?.on('data', (chunk) => {
    if (String(chunk).includes('runs')) shell.kill('SIGTERM');
  });
  const { stdout, exitCode } = await shell;
  expect(stdout.split('\n')).toEqual(['runs', 'cleaned up']);
  expect(exitCode).toBe(143);
  expect(readFileSync(join(folder, 'output'), 'utf8')).toBe('exit-code=143\n');
});
