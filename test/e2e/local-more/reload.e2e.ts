/** An application whose manifest was changed, as `run --watch` has it applied again: on the mesh that is up. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kindFolder } from '../../../src/engine/product.ts';
import type { LocalTarget } from '../../../src/target/local/local-target.ts';
import { unaborted } from '../../support/signals.ts';
import { Folder } from '../faults/command.ts';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { localTarget } from './local-target.ts';

const signal = unaborted();
const folder = new Folder();
const sleep = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;

describeOnLocal('reload', () => {
  let target: LocalTarget;
  const manifest = join(folder.path, 'apps', 'httpbin.yaml');
  let original: string;
  const change = (from: string, to: string) => {
    expect(original).toContain(from);
    writeFileSync(manifest, original.replace(from, to));
  };
  const statusOn = async (port: number) => {
    const request = {
      id: `reload-${port}`,
      method: 'GET',
      url: `http://httpbin.foo:${port}/headers`,
      headers: [],
    };
    const [[answer] = []] = await target.send(sleep, [request], 1, signal, {
      requestMs: 15_000,
      allMs: 30_000,
    });
    return answer?.status;
  };
  const pods = async () =>
    (await target.survey(signal)).pods
      .filter(({ labels, isReady }) => labels.app === 'httpbin' && isReady)
      .map(({ name }) => name)
      .sort();

  beforeAll(async () => {
    if (!haveLocal) return;
    cpSync(kindFolder, folder.path, { recursive: true });
    original = readFileSync(manifest, 'utf8');
    target = localTarget('reload', folder.path);
    await target.up(signal);
    await target.prepare(['httpbin', 'sleep'], signal);
  });
  afterAll(async () => {
    await target?.down(signal);
    folder.remove();
  });

  test('leaves what has not changed as it is', async () => {
    const before = await pods();
    expect(before.length).toBeGreaterThan(0);
    await target.reload(['httpbin'], signal);
    expect(await pods()).toEqual(before);
    expect(await statusOn(8000)).toBe(200);
  });

  test('of another port of a Service lets clients send to that port', async () => {
    change('port: 8000', 'port: 8123');
    await target.reload(['httpbin'], signal);
    await expect.poll(() => statusOn(8123), { timeout: 10_000, interval: 50 }).toBe(200);
  });

  test('of another pod template makes another pod, which answers, and ends the one before', async () => {
    const before = await pods();
    change('terminationGracePeriodSeconds: 0', 'terminationGracePeriodSeconds: 1');
    await target.reload(['httpbin'], signal);
    expect(await statusOn(8000)).toBe(200);
    const gone = before.filter((pod) => pod.startsWith('httpbin-'));
    expect(gone).toHaveLength(1);
    await expect
      .poll(pods, { timeout: 10_000, interval: 50 })
      .toEqual([expect.stringMatching(/^httpbin-/), ...before.filter((pod) => !gone.includes(pod))]);
    expect(await pods()).not.toContain(gone[0]);
  });

  test('of a manifest that is none says where it is wrong, and leaves the application running', async () => {
    writeFileSync(manifest, 'kind: [');
    const error = { code: 'E_SETTINGS', place: { file: manifest, line: 1 } };
    await expect(target.reload(['httpbin'], signal)).rejects.toMatchObject(error);
    expect(await statusOn(8000)).toBe(200);
    change('port: 8000', 'port: 8124');
    // As the next round does, which needs the application.
    await target.reload(['httpbin'], signal);
    await target.prepare(['httpbin'], signal);
    await expect.poll(() => statusOn(8124), { timeout: 10_000, interval: 50 }).toBe(200);
  });
});
