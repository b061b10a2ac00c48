/** Calls fetchFromImage as the product does, into a folder that is looked at afterwards. */

import { join } from 'node:path';
import { expect } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { fetchFromImage, type ImageFetch } from '../../../src/programs/oci/image.ts';
import { asLine } from '../as-line.ts';
import { quick, temporaryFolder } from '../downloads.ts';

export function fetcher(more: Partial<ImageFetch> = {}) {
  const folder = temporaryFolder();
  const said: string[] = [];
  const target = join(folder, 'pilot-discovery');
  return {
    folder,
    said,
    target,
    run: (image: string, now: Partial<ImageFetch> = {}) =>
      fetchFromImage({
        image,
        platform: 'linux-amd64',
        files: [{ path: '/usr/local/bin/pilot-discovery', target }],
        report: (message, kind) => said.push(asLine(message, kind)),
        signal: new AbortController().signal,
        limits: quick,
        ...more,
        ...now,
      }),
  };
}

/** The error of something that must fail. */
export async function failure(promise: Promise<unknown>): Promise<HarnessError> {
  const error = await promise.then(
    (value) => expect.fail(`it returned ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HarnessError);
  return error as HarnessError;
}
