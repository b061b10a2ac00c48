/**
 * The steps of action.yml: node tools/action.mjs prepare|fetch|run|mutate
 *
 * `prepare` reads the inputs from INPUT_* variables, installs the package and leaves a plan for the others. No input is ever
 * part of a shell command: each becomes one argument of a program. Needs nothing installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Plan
 * @property {string} folder where the commands run
 * @property {string} program the file that is the command
 * @property {string[]} fetch arguments of each command
 * @property {string[]} run
 * @property {string[]} mutate
 */

const { env } = process;
const root = fileURLToPath(new URL('..', import.meta.url));
const workspace = env.GITHUB_WORKSPACE ?? process.cwd();
const temporary = join(env.RUNNER_TEMP ?? workspace, 'jwt-e2e-action');
const planFile = join(temporary, 'plan.json');
const step = process.argv[2] ?? '';

if (step === 'prepare') process.exitCode = await prepare();
else if (step === 'fetch' || step === 'run' || step === 'mutate') {
  const plan = /** @type {Plan} */ (JSON.parse(readFileSync(planFile, 'utf8')));
  const code = await start(process.execPath, [plan.program, ...plan[step]], plan.folder);
  output(`${step === 'run' ? '' : `${step}-`}exit-code`, String(code));
  process.exitCode = code;
} else throw new Error(`there is no step "${step}"`);

/** The exit code. */
async function prepare() {
  const problem = problemOfInputs();
  if (problem !== undefined) {
    console.log(`::error title=istio-jwt-e2e::${escaped(problem)}`);
    return 2;
  }
  mkdirSync(temporary, { recursive: true });
  const version = input('VERSION') || packageVersion(root);
  const isSource = version === 'source';
  const folder = resolve(workspace, input('WORKING_DIRECTORY') || '.');
  const reports = resolve(folder, input('REPORTS') || 'reports');
  const paths = lines('PATHS');
  const versions = [flag('istio', 'ISTIO')].flat();
  const profile = flag('profile', 'PROFILE');
  /** @type {Plan} */
  const plan = {
    folder,
    program: isSource ? join(root, 'src/cli/bin.mjs') : join(temporary, 'node_modules/.bin/jwt-e2e'),
    fetch: ['fetch', ...versions],
    run: [
      ...['run', ...flag('target', 'TARGET'), ...versions, ...profile, ...flag('baseline', 'BASELINE')],
      ...[
        ['junit', 'junit.xml'],
        ['json', 'results.json'],
        ['html', 'report.html'],
        ['conformance', 'conformance.yaml'],
        ['artifacts', 'artifacts'],
      ].map(([name, file = '']) => `--${name}=${join(reports, file)}`),
      ...lines('ARGS'),
      // What follows is never a flag, whatever it begins with.
      ...['--', ...paths],
    ],
    mutate: ['mutate', ...profile, ...flag('min-score', 'MIN_SCORE'), '--', ...paths],
  };
  writeFileSync(planFile, JSON.stringify(plan));
  const within = relative(workspace, reports);
  output('reports', within === '' || within.startsWith('..') ? reports : within);
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts'];
  const code = isSource
    ? await start('npm', ['ci', ...quiet], root)
    : await start('npm', ['install', ...quiet, '--no-save', `istio-jwt-e2e@${version}`], temporary);
  if (code !== 0) return code;
  // What is fetched is what this file says, so its hash is the key.
  const home = isSource ? root : join(temporary, 'node_modules/istio-jwt-e2e');
  const known = readFileSync(join(home, 'kind/versions.yaml'), 'utf8');
  const hash = createHash('sha256')
    .update(JSON.stringify([known, versions]))
    .digest('hex');
  output('key', `jwt-e2e-programs-${process.platform}-${process.arch}-${hash.slice(0, 16)}`);
  output('cache', join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'istio-jwt-e2e'));
  return 0;
}

/** What is wrong with the inputs, and what to write instead. */
function problemOfInputs() {
  const names = [
    'TARGET',
    'ISTIO',
    'PROFILE',
    'BASELINE',
    'MIN_SCORE',
    'REPORTS',
    'VERSION',
    'WORKING_DIRECTORY',
  ];
  const broken = names.find((name) => /\p{Cc}/u.test(input(name)));
  const named = (/** @type {string} */ name) => name.toLowerCase().replaceAll('_', '-');
  if (broken !== undefined)
    return `the input "${named(broken)}" has a line break or a control character in it`;
  const version = input('VERSION');
  // Else npm would also take a URL, a folder or another package for it.
  if (!/^(|source|latest|\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?)$/.test(version)) {
    return `the input "version" cannot be "${version}"; write a version such as 1.2.3, latest or source`;
  }
  const folder = resolve(workspace, input('WORKING_DIRECTORY') || '.');
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    return `the input "working-directory" names no folder: there is no ${folder}; is actions/checkout before this step?`;
  }
  const settled = lines('ARGS').find((line) => /^--(junit|json|html|conformance|artifacts)(=|$)/.test(line));
  if (settled !== undefined)
    return `the input "args" has ${settled}; name the folder with the input "reports"`;
  return undefined;
}

/** @param {string} name */
function input(name) {
  return (env[`INPUT_${name}`] ?? '').trim();
}

/** @param {string} name */
function lines(name) {
  return input(name)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/**
 * In one argument, so that a value is never taken for a flag; nothing for an empty input.
 *
 * @param {string} option
 * @param {string} name
 */
function flag(option, name) {
  const value = input(name);
  return value === '' ? [] : [`--${option}=${value}`];
}

/** @param {string} folder */
function packageVersion(folder) {
  return /** @type {{ version: string }} */ (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
    .version;
}

/**
 * Runs a program to its end, without a shell. What ends this process ends the program, which then cleans up.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<number>} its exit code
 */
function start(program, args, cwd) {
  return new Promise((settle, fail) => {
    const child = spawn(program, args, { cwd, stdio: 'inherit' });
    for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(name, () => child.kill(name));
    child.on('error', fail);
    child.on('close', (code) => settle(code ?? 4));
  });
}

/**
 * @param {string} name
 * @param {string} value without line breaks
 */
function output(name, value) {
  if (env.GITHUB_OUTPUT !== undefined) appendFileSync(env.GITHUB_OUTPUT, `${name}=${value}\n`);
}

/** As a workflow command wants its message. @param {string} text */
function escaped(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
