/** `run --watch` with real files; the mesh is a fake. */
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { scenarioSource, sendStep } from '../../run/support.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { roundsOf, startWatching, type Watching, type WatchSettings } from '../watching.ts';

const scenario = (name: string, cells = '[200, 200]', more = '') =>
  scenarioSource(name, sendStep('only', cells), more);
const wrong = (name: string) => scenario(name, '[401, 200]');

let running: Watching | undefined;
afterEach(async () => {
  await running?.end();
  running = undefined;
});

/** With the files a and b, once it waits for the first save. */
async function start(settings: Partial<WatchSettings> = {}): Promise<Watching> {
  const files = { 'scenarios/a.yaml': scenario('a'), 'scenarios/b.yaml': scenario('b') };
  running = startWatching({ files, ...settings });
  await running.said('Ctrl-C ends');
  return running;
}

const mesh = (target: FakeTarget) => target.calls.filter((call) => /^(up|begin|down|reload)/.test(call));

describe('what is saved', () => {
  test('is run again, on the same mesh and with the same keys; the rest is not', async () => {
    const watch = await start();
    expect(roundsOf(watch.events)).toEqual(['a b → 0']);
    watch.write('scenarios/b.yaml', wrong('b'));
    await watch.said('Ctrl-C ends', 2);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'b → 1']);
    expect(watch.text()).toMatch(/\n\d\d:\d\d:\d\d saved: scenarios\/b\.yaml\n/);
    watch.write('scenarios/b.yaml', scenario('b'));
    await watch.said('Ctrl-C ends', 3);
    expect(await watch.end()).toBe(0);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'b → 1', 'b → 0']);
    expect(mesh(watch.target)).toEqual(['up', 'begin', 'down']);
    const tokens = watch.target.seen.flatMap(({ headers }) =>
      headers.map(([, value]) => value.split('.')[0]),
    );
    // a's and b's: the header of a token has the ID of the key.
    expect(new Set(tokens).size).toBe(2);
  });

  test('gets its verdict soon, and it is said how soon', async () => {
    const watch = await start();
    const saved = Date.now();
    watch.write('scenarios/a.yaml', wrong('a'));
    await watch.said('From saving to the verdict');
    expect(Date.now() - saved).toBeLessThan(5000);
    expect(watch.text()).toMatch(/From saving to the verdict: [0-4]\.\d s\n/);
  });

  test('by renaming, twice, or in two halves, is run once', async () => {
    const watch = await start();
    const file = join(watch.cwd, 'scenarios/a.yaml');
    writeFileSync(`${file}.new`, wrong('a'));
    renameSync(`${file}.new`, file);
    await watch.said('Ctrl-C ends', 2);
    writeFileSync(file, '');
    writeFileSync(file, scenario('a').slice(0, 40));
    writeFileSync(file, scenario('a'));
    await watch.said('Ctrl-C ends', 3);
    rmSync(file);
    // Long enough for the file to be looked at while it is gone.
    await new Promise((go) => setTimeout(go, 120));
    writeFileSync(file, wrong('a'));
    await watch.said('Ctrl-C ends', 4);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'a → 1', 'a → 0', 'a → 1']);
    expect(watch.text()).not.toMatch(/mistake|gone/);
  });

  test('without a change is not run', async () => {
    const watch = await start();
    watch.write('scenarios/a.yaml', scenario('a'));
    watch.write('scenarios/.a.yaml.swp', 'x');
    watch.write('scenarios/notes.txt', 'x');
    watch.write('scenarios/b.yaml', wrong('b'));
    await watch.said('Ctrl-C ends', 2);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'b → 1']);
    expect(watch.text()).not.toContain('a.yaml');
  });

  test('is found in new folders, and in a folder that is made anew', async () => {
    const watch = await start();
    watch.write('scenarios/deep/er/c.yaml', scenario('c'));
    await watch.said('Ctrl-C ends', 2);
    rmSync(join(watch.cwd, 'scenarios'), { recursive: true });
    await watch.said('gone:');
    await watch.said('Ctrl-C ends', 3);
    watch.write('scenarios/d.yaml', scenario('d'));
    await watch.said('Ctrl-C ends', 4);
    // Too quickly for anybody to see that it was gone.
    rmSync(join(watch.cwd, 'scenarios'), { recursive: true });
    watch.write('scenarios/d.yaml', wrong('d'));
    await watch.said('Ctrl-C ends', 5);
    watch.write('scenarios/d.yaml', scenario('d'));
    await watch.said('Ctrl-C ends', 6);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'c → 0', 'd → 0', 'd → 1', 'd → 0']);
  });

  test('is watched where one file was named, and others beside it are not', async () => {
    const watch = await start({ paths: ['scenarios/a.yaml'] });
    watch.write('scenarios/b.yaml', wrong('b'));
    watch.write('scenarios/a.yaml', wrong('a'));
    await watch.said('Ctrl-C ends', 2);
    expect(roundsOf(watch.events)).toEqual(['a → 0', 'a → 1']);
    expect(watch.text()).not.toContain('b.yaml');
  });

  test('is seen where a link leads to, too', async () => {
    const elsewhere = join(mkdtempSync(join(tmpdir(), 'elsewhere-')), 'real.yaml');
    writeFileSync(elsewhere, scenario('c'));
    const watch = await start();
    symlinkSync(elsewhere, join(watch.cwd, 'scenarios/c.yaml'));
    await watch.said('Ctrl-C ends', 2);
    writeFileSync(elsewhere, wrong('c'));
    await watch.said('Ctrl-C ends', 3);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'c → 0', 'c → 1']);
  });

  test('but left out by --grep is said to be so', async () => {
    const watch = await start({ selection: { grep: 'of a' } });
    watch.write('scenarios/b.yaml', wrong('b'));
    await watch.said('Nothing to run');
    expect(roundsOf(watch.events)).toHaveLength(1);
  });
});

test('files that scenarios apply are watched, new ones too, and mistakes in them are shown in place', async () => {
  const policy = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: foo }\n`;
  const own = scenarioSource('own', sendStep('only', '[200, 200]', '    apply: [{ files: ../policies }]\n'));
  const files = {
    'scenarios/own.yaml': own,
    'scenarios/b.yaml': scenario('b'),
    'policies/one.yaml': policy('one'),
  };
  const watch = await start({ files });
  watch.write('policies/one.yaml', policy('changed'));
  await watch.said('Ctrl-C ends', 2);
  watch.write('policies/two.yaml', policy('two'));
  await watch.said('Ctrl-C ends', 3);
  watch.write('policies/two.yaml', 'kind: ConfigMap\n');
  await watch.said('policies/two.yaml:1:1: the key "apiVersion" is missing');
  watch.write('policies/two.yaml', policy('again'));
  await watch.said('Ctrl-C ends', 5);
  expect(roundsOf(watch.events)).toEqual(['b own → 0', 'own → 0', 'own → 0', 'own → 0']);
  const applied = watch.target.calls.filter((call) => call.startsWith('apply'));
  expect(applied).toEqual([
    'apply ConfigMap foo/one',
    'apply ConfigMap foo/changed',
    'apply ConfigMap foo/changed, ConfigMap foo/two',
    'apply ConfigMap foo/changed, ConfigMap foo/again',
  ]);
});

describe('mistakes', () => {
  test('are shown in place, and watching goes on until they are gone', async () => {
    const watch = await start();
    watch.write('scenarios/a.yaml', scenario('a').replace('steps:', 'stepz:'));
    await watch.said('with 2 mistakes left; Ctrl-C ends');
    expect(watch.text()).toMatch(/scenarios\/a\.yaml:\d+:\d+: .*stepz/);
    expect(roundsOf(watch.events)).toHaveLength(1);
    watch.write('scenarios/b.yaml', wrong('b'));
    await watch.said('From saving to the verdict');
    await watch.said('mistakes left', 2);
    // Those of another file are not told again and again.
    expect(watch.text().match(/stepz/g)?.length).toBe(2);
    watch.write('scenarios/a.yaml', scenario('a'));
    await watch.said('From saving to the verdict', 2);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'b → 1', 'a → 0']);
  });

  test('at the start keep only their file from being run', async () => {
    const files = { 'scenarios/a.yaml': 'name: [', 'scenarios/b.yaml': scenario('b') };
    const watch = await start({ files });
    expect(watch.text()).toContain('scenarios/a.yaml:1:');
    expect(roundsOf(watch.events)).toEqual(['b → 0']);
    watch.write('scenarios/a.yaml', scenario('a'));
    await watch.said('From saving to the verdict');
    expect(roundsOf(watch.events)).toEqual(['b → 0', 'a → 0']);
  });

  test('in all files are no reason to give up, and a reason for exit code 3', async () => {
    const watch = await start({ files: { 'scenarios/a.yaml': 'name: [' } });
    expect(watch.target.calls).toEqual([]);
    expect(await watch.end()).toBe(3);
  });

  test('that another file makes are gone with it', async () => {
    const watch = await start();
    watch.write('scenarios/c.yaml', scenario('a'));
    await watch.said('already used in');
    rmSync(join(watch.cwd, 'scenarios/a.yaml'));
    await watch.said('From saving to the verdict');
    expect(watch.text()).toContain('gone: scenarios/a.yaml');
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'a → 0']);
  });
});

describe('applications', () => {
  const files = {
    'scenarios/a.yaml': scenario('a'),
    'scenarios/b.yaml': scenario('b').replace('[httpbin, sleep]', '[httpbin, sleep, bookinfo]'),
    'apps/httpbin.yaml': 'kind: Service',
    'apps/bookinfo.yaml': 'kind: Service',
  };

  test('whose manifests are saved are applied again, and what uses them is run', async () => {
    const watch = await start({ files });
    watch.write('apps/bookinfo.yaml', 'kind: Deployment');
    await watch.said('Ctrl-C ends', 2);
    expect(mesh(watch.target)).toEqual(['up', 'begin', 'reload bookinfo']);
    expect(roundsOf(watch.events)).toEqual(['a b → 0', 'b → 0']);
  });

  test('that are wrong end the round with the reason, and watching goes on', async () => {
    const watch = await start({ files });
    watch.target.before = (method) => {
      if (method === 'reload') throw new HarnessError('E_SETTINGS', 'apps/bookinfo.yaml is not YAML');
    };
    watch.write('apps/bookinfo.yaml', '{');
    await watch.said('Ctrl-C ends', 2);
    expect(watch.events.at(-1)).toMatchObject({ exitCode: 2, problem: { code: 'E_SETTINGS' } });
    watch.target.before = () => {};
    watch.write('apps/bookinfo.yaml', 'kind: Deployment');
    await watch.said('Ctrl-C ends', 3);
    expect(await watch.end()).toBe(0);
  });
});

test('a mesh is back in its first fetch mode before anything is saved, so that nobody waits for that', async () => {
  const target = new FakeTarget();
  const files = { 'scenarios/a.yaml': scenario('a', '[200, 200]', 'mesh: { fetch: [envoy] }') };
  const watch = await start({ files, targets: [target] });
  expect(target.mode).toBe('istiod');
  // What goes wrong with that is for a round to find out.
  target.before = (method, _, mode) => {
    if (method === 'setIstiod' && mode === 'istiod') throw new HarnessError('E_NOT_READY', 'not now');
  };
  watch.write('scenarios/a.yaml', scenario('a', '[401, 200]', 'mesh: { fetch: [envoy] }'));
  await watch.said('Ctrl-C ends', 2);
  expect(roundsOf(watch.events)).toEqual(['a → 0', 'a → 1']);
  expect(target.mode).toBe('envoy');
});

describe('a save while a round goes on', () => {
  test('cuts it short when it is about what was saved, and nothing that has not ended is forgotten', async () => {
    const c = { 'scenarios/c.yaml': scenario('c') };
    const files = { 'scenarios/a.yaml': scenario('a'), 'scenarios/b.yaml': wrong('b'), ...c };
    running = startWatching({ files, answersMs: 60_000 });
    const watch = running;
    // a has passed, b waits for an answer that does not come, c has yet to come.
    while (!watch.events.some((event) => event.type === 'step-held' && event.scenario === 'b')) {
      await new Promise((go) => setTimeout(go, 10));
    }
    watch.write('scenarios/b.yaml', scenario('b'));
    await watch.said('Ctrl-C ends');
    expect(roundsOf(watch.events)).toEqual(['a b → 130', 'b c → 0']);
    expect(await watch.end()).toBe(0);
    expect(mesh(watch.target)).toEqual(['up', 'begin', 'down']);
  });

  test('runs again what was being run as well', async () => {
    const target = new FakeTarget();
    let isBad = false;
    target.answer = () => (isBad ? 500 : 200);
    target.before = (method, _, detail) => {
      if (method === 'undo' && detail === 'a') isBad = true;
    };
    const c = { 'scenarios/c.yaml': scenario('c') };
    const files = { 'scenarios/a.yaml': scenario('a'), 'scenarios/b.yaml': scenario('b'), ...c };
    running = startWatching({ files, targets: [target], answersMs: 60_000 });
    const watch = running;
    while (!watch.events.some((event) => event.type === 'step-held' && event.scenario === 'b')) {
      await new Promise((go) => setTimeout(go, 10));
    }
    watch.write('scenarios/c.yaml', scenario('c', '[200, 200]', 'tags: [x]'));
    while (!target.calls.includes('undo b')) await new Promise((go) => setTimeout(go, 10));
    isBad = false;
    await watch.said('Ctrl-C ends');
    expect(roundsOf(watch.events)).toEqual(['a b → 130', 'b c → 0']);
  });

  test('does not end the setting up of the mesh', async () => {
    const target = new FakeTarget();
    let saved = () => {};
    let wasAborted: boolean | undefined;
    target.before = async (method, signal) => {
      if (method !== 'up') return;
      saved();
      await new Promise((go) => setTimeout(go, 500));
      wasAborted = signal?.aborted;
    };
    running = startWatching({ files: { 'scenarios/a.yaml': wrong('a') }, targets: [target] });
    const watch = running;
    saved = () => watch.write('scenarios/a.yaml', scenario('a'));
    await watch.said('Ctrl-C ends');
    expect(roundsOf(watch.events)).toEqual(['→ 130', 'a → 0']);
    expect(mesh(target)).toEqual(['up', 'begin']);
    expect(wasAborted).toBe(false);
  });
});

describe('the end', () => {
  test('while it waits has the exit code of the last round, whatever the signal is called', async () => {
    const watch = await start({ files: { 'scenarios/a.yaml': wrong('a') } });
    expect(await watch.end('SIGTERM')).toBe(1);
    expect(mesh(watch.target).at(-1)).toBe('down');
  });

  test('within a round is an interruption', async () => {
    running = startWatching({ files: { 'scenarios/a.yaml': wrong('a') }, answersMs: 60_000 });
    const watch = running;
    while (!watch.target.calls.some((call) => call.startsWith('send'))) {
      await new Promise((go) => setTimeout(go, 10));
    }
    expect(await watch.end('SIGINT')).toBe(130);
    expect(watch.target.calls.slice(-2)).toEqual(['undo a', 'down']);
  });

  test('comes at once when there is no mesh', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'up') throw new HarnessError('E_ISTIO', 'does not start');
    };
    const watch = startWatching({ files: { 'scenarios/a.yaml': scenario('a') }, targets: [target] });
    expect(await watch.ended).toBe(4);
    expect(target.calls).toEqual(['up', 'down']);
  });

  test('says what could not be cleaned up, which is no success', async () => {
    const watch = await start();
    watch.target.before = (method) => {
      if (method === 'down') throw new HarnessError('E_KUBE', 'still there');
    };
    expect(await watch.end()).toBe(4);
    expect(watch.text()).toContain('still there');
  });
});

test('of several meshes those that came up are watched', async () => {
  const [one, two, three] = [new FakeTarget(), new FakeTarget(), new FakeTarget()];
  two.before = (method) => {
    if (method === 'up') throw new HarnessError('E_ISTIO', 'does not start');
  };
  const watch = await start({ targets: [one, two, three] });
  watch.write('scenarios/a.yaml', wrong('a'));
  await watch.said('Ctrl-C ends', 2);
  expect(roundsOf(watch.events)[1]).toBe('a a → 1');
  expect(two.calls).toEqual(['up', 'down']);
  await watch.end();
  expect([one, three].map(({ calls }) => calls.at(-1))).toEqual(['down', 'down']);
});
