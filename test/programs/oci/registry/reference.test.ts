import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HarnessError } from '../../../../src/base/errors.ts';
import { formatReference, parseReference } from '../../../../src/programs/oci/registry/reference.ts';

const digest = `sha256:${'0a'.repeat(32)}`;

test.each([
  ['docker.io/istio/pilot:1.31.1', 'https://registry-1.docker.io', 'docker.io/istio/pilot:1.31.1'],
  ['istio/pilot:1.31.1', 'https://registry-1.docker.io', 'docker.io/istio/pilot:1.31.1'],
  ['index.docker.io/istio/pilot', 'https://registry-1.docker.io', 'docker.io/istio/pilot:latest'],
  ['nginx', 'https://registry-1.docker.io', 'docker.io/library/nginx:latest'],
  ['docker.io/nginx:1', 'https://registry-1.docker.io', 'docker.io/library/nginx:1'],
  ['registry.example:5000/mirror/istio/pilot:1.31.1', 'https://registry.example:5000', undefined],
  ['Registry.Example/pilot:1', 'https://registry.example', 'registry.example/pilot:1'],
  ['registry:5000/pilot:1', 'https://registry:5000', undefined],
  ['localhost/istio/pilot:1', 'http://localhost', undefined],
  ['localhost:5000/istio/pilot:1', 'http://localhost:5000', undefined],
  ['127.1.2.3:5000/pilot:1', 'http://127.1.2.3:5000', undefined],
  ['[::1]:5000/pilot:1', 'http://[::1]:5000', undefined],
  ['[fd00::1]:5000/pilot:1', 'https://[fd00::1]:5000', undefined],
  ['localhost.example/pilot:1', 'https://localhost.example', undefined],
  ['10.0.0.1/pilot:1', 'https://10.0.0.1', undefined],
  [`gcr.io/istio-release/pilot@${digest}`, 'https://gcr.io', undefined],
  [`gcr.io/istio-release/pilot:1.31.1@${digest}`, 'https://gcr.io', undefined],
])('%s is at %s', (image, origin, full = image) => {
  const reference = parseReference(image);
  expect(reference.origin).toBe(origin);
  expect(formatReference(reference)).toBe(full);
});

test.each([
  ['', 'the name of an image has small letters and digits'],
  ['https://registry.example/istio/pilot', 'write it without https://'],
  ['docker.io/Istio/pilot:1', 'the name of an image has small letters and digits'],
  ['docker.io/istio//pilot:1', 'the name of an image has small letters and digits'],
  ['docker.io/istio/../pilot:1', 'the name of an image has small letters and digits'],
  ['docker.io/istio/pilot?x=1:1', 'the name of an image has small letters and digits'],
  ['docker.io/', 'the name of an image has small letters and digits'],
  ['docker.io/istio/pilot: 1', 'a tag has letters, digits, dots, dashes and underscores'],
  ['docker.io/istio/pilot:', 'a tag has letters, digits, dots, dashes and underscores'],
  ['docker.io/istio/pilot@sha256:12', 'what follows @ must be sha256: and 64 hexadecimal digits'],
  [`docker.io/istio/pilot@${digest.toUpperCase()}`, 'what follows @ must be sha256:'],
  ['user@registry.example/pilot', 'what follows @ must be sha256:'],
  ['registry.example:99999/pilot', 'registry.example:99999 is no host'],
  ['registry..example/pilot', 'registry..example is no host'],
  ['127.1/pilot', '127.1 is no host'],
  ['0x7f.1:80/pilot', '0x7f.1:80 is no host'],
])('%j is no reference', (image, why) => {
  let error: unknown;
  try {
    parseReference(image);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(HarnessError);
  expect(error).toMatchObject({ code: 'E_SETTINGS', message: expect.stringContaining(why) });
  expect((error as HarnessError).message).toContain(JSON.stringify(image));
});

test('any text is a reference that reads the same in its full form, or an error that says so', () => {
  const part = fc.stringMatching(/^[a-z0-9]([._-]?[a-z0-9]){0,5}$/);
  const image = fc
    .tuple(
      fc.constantFrom('', 'docker.io/', 'localhost/', 'registry.example:5000/', '[::1]:5000/', '127.0.0.1/'),
      fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
      fc.option(
        fc.stringMatching(/^\w[\w.-]{0,10}$/).map((tag) => `:${tag}`),
        { nil: '' },
      ),
      fc.constantFrom('', `@${digest}`),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      fc.oneof(image, fc.string(), fc.string({ unit: fc.constantFrom(...'aA1.:/@-_[]') })),
      (text) => {
        try {
          const reference = parseReference(text);
          const full = formatReference(reference);
          expect(parseReference(full)).toEqual(reference);
          // Nothing in it may change what is asked for.
          const url = new URL(`${reference.origin}/v2/${reference.repository}/manifests/x`);
          expect(url.pathname).toBe(`/v2/${reference.repository}/manifests/x`);
          expect(url.username).toBe('');
          expect(url.protocol === 'https:' || /^(localhost|127\.|\[::1\])/.test(url.host)).toBe(true);
        } catch (error) {
          if (!(error instanceof HarnessError)) throw error;
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
