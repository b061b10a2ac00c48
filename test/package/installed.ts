/** The package as its users have it: installed in an empty folder, without network and without scripts. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesBelow } from './files-below.ts';

const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: closed, namespace: foo }
spec: { selector: { matchLabels: { app: httpbin } }, action: DENY, rules: [{ to: [{ operation: { paths: [/ip] } }] }] }
`;

/** @param archive of the package, once there is one */
export function installedTests(archive: () => string): void {
  let folder: string;
  let consumer: string;
  const installed = () => join(consumer, 'node_modules', 'istio-jwt-e2e');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-installed-'));
    consumer = join(folder, 'consumer');
    mkdirSync(consumer);
    writeFileSync(
      join(consumer, 'package.json'),
      '{ "name": "consumer", "private": true, "type": "module" }',
    );
    const options = [
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--cache',
      join(folder, 'empty'),
    ];
    await execa('npm', ['install', ...options, archive()], { cwd: consumer });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const node = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    execa(process.execPath, args, {
      cwd: consumer,
      reject: false,
      stdin: 'ignore',
      env: {
        NO_COLOR: '1',
        XDG_CACHE_HOME: join(folder, 'cache'),
        XDG_STATE_HOME: join(folder, 'state'),
        ...env,
      },
    });
  const jwtE2e = (...args: readonly string[]) => node(['node_modules/.bin/jwt-e2e', ...args]);

  /** What was loaded of the package, relative to it. */
  async function loadedBy(...args: readonly string[]): Promise<readonly string[]> {
    const coverage = mkdtempSync(join(folder, 'coverage-'));
    await node(['node_modules/.bin/jwt-e2e', ...args], { NODE_V8_COVERAGE: coverage });
    const urls = readdirSync(coverage).flatMap((file) =>
      (JSON.parse(readFileSync(join(coverage, file), 'utf8')) as { result: { url: string }[] }).result.map(
        ({ url }) => url,
      ),
    );
    const start = 'node_modules/istio-jwt-e2e/';
    return urls
      .filter((url) => url.includes(start))
      .map((url) => url.slice(url.indexOf(start) + start.length));
  }

  /** The packages of which something is in these files; their maps say so. */
  function packagesIn(files: readonly string[]): Set<string> {
    const sources = files.flatMap(
      (file) =>
        (JSON.parse(readFileSync(join(installed(), `${file}.map`), 'utf8')) as { sources: string[] }).sources,
    );
    return new Set(
      sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []),
    );
  }

  test('it is one package of at most 15 MB', () => {
    const visible = readdirSync(join(consumer, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(visible).toEqual(['istio-jwt-e2e']);
    const size = filesBelow(installed()).reduce(
      (sum, file) => sum + statSync(join(installed(), file)).size,
      0,
    );
    expect(size).toBeLessThan(15 * 1024 * 1024);
  });

  test('commands that need no mesh work', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    writeFileSync(join(consumer, 'policy.yaml'), policy);
    expect(await jwtE2e('--version')).toMatchObject({ stdout: version, exitCode: 0 });
    expect((await jwtE2e('list')).stdout).toMatch(
      /^require-jwt .*[\s\S]*^\d+ scenarios, \d+ checks with Istio [\d.]+$/m,
    );
    expect((await jwtE2e('lint')).stdout).toMatch(/scenarios, no mistakes$/);
    expect((await jwtE2e('lint', '--strict')).exitCode).toBe(0);
    expect((await jwtE2e('schema', '--check')).exitCode).toBe(0);
    expect((await jwtE2e('matrix', '--istio', '1.31.1')).stdout).toContain('1.31.1');
    expect(
      (await jwtE2e('mutate', 'node_modules/istio-jwt-e2e/scenarios/documented/require-jwt.yaml')).stdout,
    ).toMatch(/mistakes/);
    const request = [
      'explain',
      '--from',
      'policy.yaml',
      '--to',
      'httpbin.foo',
      'curl http://httpbin.foo:8000/ip',
    ];
    expect((await jwtE2e(...request)).stdout).toContain('403');
  });

  test('commands that need one say what is missing, and not that the program is broken', async () => {
    for (const args of [
      ['run', '--target', 'kind', '--no-download'],
      ['run', '--target', 'cluster', '--kubeconfig', 'none.yaml'],
      ['run', '--target', 'local', '--programs', 'none', '--no-download', '--no-build'],
      ['down', '--target', 'local'],
      ['doctor', '--no-download', '--no-build'],
    ]) {
      const env = { DOCKER_HOST: 'tcp://127.0.0.1:9', JWT_E2E_KIND: process.execPath };
      const { stdout, stderr } = await node(['node_modules/.bin/jwt-e2e', ...args], env);
      expect(`${stdout}${stderr}`).not.toMatch(/E_INTERNAL|mistake in jwt-e2e|ReferenceError|Cannot find/);
    }
  });

  test('programs import it, and every part of it can be loaded', async () => {
    const program = `
    import { HarnessError, ResultModel, resultOf, run } from 'istio-jwt-e2e';
    import { scenarios } from 'istio-jwt-e2e/vitest';
    import schema from 'istio-jwt-e2e/schema/scenario.schema.json' with { type: 'json' };
    console.log([HarnessError, ResultModel, resultOf, run, scenarios].map((each) => typeof each).join(), schema.title);`;
    writeFileSync(join(consumer, 'program.js'), program);
    expect(await node(['--no-warnings', 'program.js'])).toMatchObject({
      stdout: 'function,function,function,function,function Scenario of istio-jwt-e2e',
      stderr: '',
    });
    // Packages of the bundle take these where they are, but what is beside this one is not its own.
    for (const name of ['picomatch', 'bufferutil', 'utf-8-validate', 'cpu-features', 'encoding']) {
      mkdirSync(join(consumer, 'node_modules', name));
      writeFileSync(
        join(consumer, 'node_modules', name, 'index.js'),
        'console.log("loaded: " + __filename);\n',
      );
    }
    // Those that run something as soon as they are loaded have tests of their own.
    const parts = readdirSync(join(installed(), 'dist', 'parts')).filter((name) =>
      /^(?!.*host-main).*\.mjs$/.test(name),
    );
    writeFileSync(
      join(consumer, 'all.js'),
      `process.on('unhandledRejection', (reason) => { console.log(reason); process.exit(1); });
    for (const part of ${JSON.stringify(parts)}) await import('istio-jwt-e2e/package.json', { with: { type: 'json' } })
      .then(() => import(new URL('node_modules/istio-jwt-e2e/dist/parts/' + part, import.meta.url)));
    setTimeout(() => process.exit(), 500);`,
    );
    const { stdout, stderr, exitCode } = await node(['--no-warnings', 'all.js']);
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  });

  describe('a command loads what it needs', () => {
    test.each([
      ['list', ['list'], 700],
      ['lint', ['lint'], 700],
      ['--help', ['--help'], 400],
      [
        'explain',
        ['explain', '--from', 'policy.yaml', '--to', 'httpbin.foo', 'curl http://httpbin.foo/'],
        550,
      ],
    ])('%s', async (_, args, most) => {
      writeFileSync(join(consumer, 'policy.yaml'), policy);
      const files = await loadedBy(...args);
      const size = files.reduce((sum, file) => sum + statSync(join(installed(), file)).size, 0);
      expect(size / 1024).toBeLessThan(most);
      const libraries = [
        'testcontainers',
        '@kubernetes/client-node',
        '@grpc/grpc-js',
        '@peculiar/x509',
        'undici',
        'execa',
      ];
      expect([...packagesIn(files)].filter((name) => libraries.includes(name))).toEqual([]);
      if (args[0] === '--help') expect(packagesIn(files)).not.toContain('zod');
    });

    test('a run, before it knows what mesh there is', async () => {
      const files = await loadedBy('run', '--target', 'local', '--programs', 'none');
      expect(files.length).toBeGreaterThan(20);
      const libraries = ['testcontainers', '@kubernetes/client-node', '@grpc/grpc-js', '@peculiar/x509'];
      expect([...packagesIn(files)].filter((name) => libraries.includes(name))).toEqual([]);
    });
  });

  describe('what V8 has compiled', () => {
    /** From Node.js 22.8 on. */
    const canKeep = 'enableCompileCache' in nodeModule;
    const cache = () => join(folder, 'kept', 'istio-jwt-e2e', 'compiled');
    const list = () => node(['node_modules/.bin/jwt-e2e', 'list'], { XDG_CACHE_HOME: join(folder, 'kept') });

    test('is kept in a folder that nobody else can write to, where Node.js can do that', async () => {
      expect((await list()).exitCode).toBe(0);
      expect(existsSync(cache())).toBe(canKeep);
      if (!canKeep) return;
      expect(statSync(cache()).mode & 0o777).toBe(0o700);
      expect(filesBelow(cache()).length).toBeGreaterThan(5);
    });

    test('is not looked for in one that others can write to', async () => {
      rmSync(join(folder, 'kept'), { recursive: true, force: true });
      mkdirSync(cache(), { recursive: true });
      chmodSync(cache(), 0o777);
      expect((await list()).exitCode).toBe(0);
      expect(readdirSync(cache())).toEqual([]);
    });
  });
}
