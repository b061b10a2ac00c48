import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BuildSource, inTurn } from '../../../../src/programs/local/build/build.ts';
import { bundleFolder } from '../../../../src/programs/local/sources/bundle.ts';
import type { Context } from '../../../../src/programs/local/sources/source-context.ts';
import { unaborted } from '../../../support/signals.ts';
import { temporaryFolder } from '../../downloads.ts';
import { contextWith, fake, folderOf, versions, writeProgram } from '../support.ts';

const { istio, kubernetes } = versions.local.build;

/** What is built: it is the program that it is called as. */
const control = `#!/bin/sh
case "\${0##*/}" in
  etcd) echo "etcd Version: 3.6.8" ;;
  kube-apiserver) echo "Kubernetes v${kubernetes}" ;;
  *) echo "client version: ${istio}" ;;
esac
`;

let recipe: string;
let goFolder: string;
beforeEach(() => {
  recipe = temporaryFolder();
  for (const [name, text] of [
    ['main.go', 'package main'],
    ['go.mod', 'module m\n\ngo 1.26.0\n'],
    ['go.sum', ''],
  ] as const) {
    writeFileSync(join(recipe, name), text);
  }
  goFolder = temporaryFolder();
  mkdirSync(join(goFolder, 'manifests/charts/base/files'), { recursive: true });
  writeFileSync(
    join(goFolder, 'manifests/charts/base/files/crd-all.gen.yaml'),
    'kind: CustomResourceDefinition\n',
  );
  writeProgram(join(goFolder, 'control'), control);
});

/** A `go` that writes down how it is called, and in the middle of a build does what `building` says. */
function go(
  options: {
    version?: string;
    toolchain?: string;
    building?: string;
    hasModules?: boolean;
    proxy?: string;
  } = {},
): { readonly PATH: string } {
  const {
    version = 'go1.26.8',
    toolchain = 'auto',
    building = '',
    hasModules = true,
    proxy = 'off',
  } = options;
  writeProgram(
    join(goFolder, 'go'),
    `#!/bin/sh
echo "$GOFLAGS|$CGO_ENABLED|$GOOS-$GOARCH|$*" >> ${goFolder}/calls
case "$*" in
  "env GOVERSION") echo ${version} ;;
  "env GOTOOLCHAIN") echo ${toolchain} ;;
  "env GOPROXY") echo ${proxy} ;;
  "list -deps -f {{.Name}} .") ${hasModules ? 'exit 0' : 'echo "module lookup disabled by GOPROXY=off" >&2; exit 1'} ;;
  "list -deps -trimpath"*) echo "go: downloading a.example/b v1.0.0" >&2; printf 'false\\ntrue\\ntrue\\ntrue\\n' ;;
  "list -m "*) echo ${goFolder} ;;
  build*)
    echo a.example/b >&2; echo "# a warning of the compiler" >&2; echo a.example/c/v2 >&2
    ${building}
    while [ "$1" != -o ]; do shift; done
    cp ${goFolder}/control "$2" ;;
  *) echo "unknown: $*" >&2; exit 2 ;;
esac
`,
  );
  return { PATH: goFolder };
}

const calls = () => readFileSync(join(goFolder, 'calls'), 'utf8').trim().split('\n');
const source = (more: Partial<Context> = {}) => {
  const context = contextWith({ ...more, env: more.env ?? go() });
  return { context, build: new BuildSource(context, recipe) };
};

/** What is in a folder, which need not be there. */
const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);

describe('the control plane of Go modules', () => {
  test('is built, and is three programs and the CustomResourceDefinitions', async () => {
    const { build, context } = source();
    expect([await build.find('etcd'), await build.problem()]).toEqual([undefined, undefined]);
    await build.get();
    const origin = 'built from Go modules with go1.26.8';
    for (const [program, version] of [
      ['etcd', '3.6.8'],
      ['kube-apiserver', kubernetes],
      ['pilot-discovery', istio],
      ['crds', istio],
    ] as const) {
      expect(await build.find(program)).toMatchObject({ version, origin });
    }
    expect(await build.find('envoy')).toBeUndefined();
    expect(readFileSync((await build.find('crds'))!.path, 'utf8')).toContain('CustomResourceDefinition');
    const built = calls().find((call) => call.includes('|build'));
    expect(built).toMatch(/^-buildvcs=false\|0\|linux-amd64\|build -v -trimpath -ldflags -s -w /);
    expect(built).toContain(`-X istio.io/istio/pkg/version.buildVersion=${istio}`);
    expect(built).toContain(`-X k8s.io/component-base/version.gitVersion=v${kubernetes}`);
    expect(built).toContain('-X k8s.io/component-base/version.gitMinor=36 ');
    // How far it is is told as often as it takes long.
    const told = context.told.filter((line) => !line.startsWith('build: downloading modules: '));
    expect(told[0]).toMatch(/^build: .*with go1\.26\.8; some 8 min .*\(--no-build rules it out\)$/);
    expect(told[1]).toBe('build: 3 of 4 packages are to be compiled, about 6 min on two cores');
  });

  test('says how far it is while it is built', async () => {
    const { build, context } = source({
      env: go({ building: 'sleep 0.4; echo a.example/d >&2; sleep 0.3' }),
    });
    await build.get();
    const progress = context.told.slice(2);
    expect(progress[0]).toMatch(/^build: compiling: [0-2] of 3 packages$/);
    expect(progress).toContain('build: compiling: 2 of 3 packages');
    expect(progress.at(-1)).toBe('build: linking');
  });

  test('is in the cache afterwards, also for another Go and for none, until the recipe changes', async () => {
    const first = source();
    await first.build.get();
    for (const env of [go(), go({ version: 'go1.27.0' }), { PATH: '/nowhere' }]) {
      const { build } = source({ env, cacheDir: first.context.cacheDir });
      expect(await build.find('etcd')).toMatchObject({
        origin: 'cache (built from Go modules with go1.26.8)',
      });
    }
    writeFileSync(join(recipe, 'go.sum'), 'another module');
    expect(await source({ cacheDir: first.context.cacheDir }).build.find('etcd')).toBeUndefined();
  });

  test('is built once when two want it at the same time', async () => {
    const env = go({ building: 'sleep 0.5' });
    const { build, context } = source({ env });
    const other = source({ env, cacheDir: context.cacheDir });
    await Promise.all([build.get(), other.build.get()]);
    expect(calls().filter((call) => call.includes('|build'))).toHaveLength(1);
    expect([...context.told, ...other.context.told]).toContain(
      `build: process ${process.pid} is building the same; waiting for it`,
    );
    expect(await other.build.find('etcd')).toMatchObject({ version: '3.6.8' });
    expect(readdirSync(bundleFolder(context.cacheDir))).toHaveLength(1);
  });

  test('that fails says why, and leaves nothing', async () => {
    const { build, context } = source({
      env: go({ building: 'echo "main.go:7: error: no space left" >&2; exit 1' }),
    });
    await expect(build.get()).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: expect.stringContaining('no space left'),
      hint: expect.stringContaining('GOPROXY'),
    });
    expect(namesIn(bundleFolder(context.cacheDir))).toEqual([]);
  });

  test('that makes something else is not kept', async () => {
    writeProgram(join(goFolder, 'control'), fake('etcd', '3.6.8'));
    const { build, context } = source();
    await expect(build.get()).rejects.toThrow('printed no version of kube-apiserver');
    expect(namesIn(bundleFolder(context.cacheDir))).toEqual([]);
  });

  test('leaves nothing in the folder for temporary files, nor beside what it makes, when it is interrupted', async () => {
    const temporary = temporaryFolder();
    const controller = new AbortController();
    // As Go does, which removes it when it is not killed.
    const work = '"${GOTMPDIR:-$TMPDIR}"/go-build1';
    const started = join(goFolder, 'started');
    const building = `mkdir -p ${work}; echo big > ${work}/a.o; echo "$GOTMPDIR" > ${started}; sleep 60`;
    const { build, context } = source({ env: go({ building }), signal: controller.signal });
    const home = bundleFolder(context.cacheDir);
    vi.stubEnv('TMPDIR', temporary);
    const making = build.get().finally(() => vi.unstubAllEnvs());
    making.catch(() => {});
    await vi.waitFor(() => expect(readFileSync(started, 'utf8')).toMatch(/\n/), 10_000);
    // What a build left that was killed together with this tool.
    const left = join(readFileSync(started, 'utf8').trim(), 'go-build0');
    controller.abort('SIGINT');
    await expect(making).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect([readdirSync(temporary), namesIn(home)]).toEqual([[], []]);

    mkdirSync(left, { recursive: true });
    const again = new BuildSource(contextWith({ cacheDir: context.cacheDir, env: go() }), recipe);
    await again.get();
    expect(readdirSync(home).filter((name) => !name.startsWith('control-plane-'))).toEqual([]);
  });

  test('is stopped with everything that Go has started when it is interrupted', async () => {
    const controller = new AbortController();
    const pidFile = join(goFolder, 'pid');
    const { build, context } = source({
      env: go({ building: `sleep 60 & echo $! > ${pidFile}; wait` }),
      signal: controller.signal,
    });
    const building = build.get();
    await vi.waitFor(() => expect(existsSync(pidFile)).toBe(true), 10_000);
    controller.abort('SIGINT');
    await expect(building).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
    expect(namesIn(bundleFolder(context.cacheDir))).toEqual([]);
  });
});

describe('it cannot be built', () => {
  const problemOf = (more: Partial<Context>) => source(more).build.problem();

  test('with --no-build', async () => {
    expect(await problemOf({ build: false })).toMatchObject({ remedy: 'leave out --no-build' });
  });

  test('without Go, or with one that is too old and must not get a newer one', async () => {
    expect(await problemOf({ env: { PATH: '/nowhere' } })).toEqual({
      why: 'Go 1.26.0 or later is not in PATH',
      remedy: 'install Go 1.26.0 or later (https://go.dev/doc/install)',
    });
    const old = { version: 'go1.24.3', toolchain: 'local' };
    expect(await problemOf({ env: go(old) })).toMatchObject({
      why: `${goFolder}/go is Go 1.24.3, 1.26.0 or later is needed`,
    });
    expect(await problemOf({ env: go({ ...old, toolchain: 'auto' }) })).toBeUndefined();
    expect(await problemOf({ env: go({ version: 'go1.20.1', toolchain: '' }) })).toBeDefined();
    expect(await problemOf({ env: go({ version: 'go1.27rc1', toolchain: 'local' }) })).toBeUndefined();
    expect(await problemOf({ env: go({ version: 'devel', toolchain: 'local' }) })).toBeDefined();
  });

  test('with a Go that does not work', async () => {
    const env = { PATH: folderOf({ go: '#!/bin/sh\necho "GOROOT is not set" >&2; exit 1\n' }) };
    expect(await problemOf({ env })).toMatchObject({ why: expect.stringContaining('GOROOT is not set') });
  });

  test('without its modules, when they cannot be downloaded', async () => {
    const lacking = { hasModules: false, proxy: 'http://127.0.0.1:9,direct' };
    expect(await problemOf({ env: go(lacking), download: false })).toMatchObject({
      remedy: 'leave out --no-download',
    });
    expect(await problemOf({ env: go(lacking) })).toMatchObject({
      why: expect.stringContaining('http://127.0.0.1:9 cannot be reached'),
      remedy: expect.stringContaining('GOPROXY'),
    });
    expect(await problemOf({ env: go(), download: false })).toBeUndefined();
  });
});

describe('taking turns', () => {
  const options = { waitMs: 10, onWait: () => {}, signal: unaborted() };

  test('lets only one work at a time', async () => {
    const lock = join(temporaryFolder(), 'lock');
    let [now, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++now);
      await new Promise((done) => setTimeout(done, 20));
      now--;
    };
    await Promise.all(Array.from({ length: 5 }, () => inTurn(lock, options, work)));
    expect(most).toBe(1);
  });

  test('is told which process it waits for, once', async () => {
    const lock = join(temporaryFolder(), 'lock');
    const told: number[] = [];
    const work = () => new Promise<void>((done) => setTimeout(done, 200));
    const onWait = (pid: number) => void told.push(pid);
    await Promise.all([inTurn(lock, options, work), inTurn(lock, { ...options, onWait }, work)]);
    expect(told).toEqual([process.pid]);
  });

  test('does not wait for a process that was killed', async () => {
    const lock = join(temporaryFolder(), 'lock');
    writeFileSync(`${lock}-${hostname()}`, JSON.stringify({ pid: 999_999_999, since: Date.now() }));
    const start = Date.now();
    expect(await inTurn(lock, options, async () => 'done')).toBe('done');
    expect(Date.now() - start).toBeLessThan(5_000);
    expect(existsSync(`${lock}-${hostname()}`)).toBe(false);
  });

  test('ends the waiting when it is interrupted, and the turn when the work fails', async () => {
    const lock = join(temporaryFolder(), 'lock');
    const controller = new AbortController();
    const failing = inTurn(lock, options, async () => {
      const waiting = inTurn(lock, { ...options, signal: controller.signal }, async () => {});
      setTimeout(() => controller.abort('SIGINT'), 50);
      await expect(waiting).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
      throw new Error('it failed');
    });
    await expect(failing).rejects.toThrow('it failed');
    expect(await inTurn(lock, options, async () => 'next')).toBe('next');
  });
});
