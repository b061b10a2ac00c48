import { describe, expect, test } from 'vitest';
import { checksumOf } from '../../../src/programs/download/fetch-program.ts';

const digest = 'aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d';
const other = 'b'.repeat(64);

describe('checksumOf', () => {
  test.each([
    ['text mode', `${digest}  kind-linux-amd64\n`],
    ['binary mode', `${digest} *kind-linux-amd64\n`],
    ['a path', `${digest}  bin/kind-linux-amd64\r\n`],
    ['capitals', `${digest.toUpperCase()}  kind-linux-amd64`],
    ['several files', `${other}  kind-linux-arm64\n${digest}  kind-linux-amd64\n`],
    ['nothing but the digest', `${digest}\n`],
  ])('reads %s', (_, text) => {
    expect(checksumOf(text, 'kind-linux-amd64', 'here')).toBe(digest);
  });

  test.each([
    ['the digest of another file', `${digest}  kind-linux-arm64\n`],
    ['an error page', '<html>Sign in</html>'],
    ['a digest that is too long', `${digest}0  kind-linux-amd64\n`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(() => checksumOf(text, 'kind-linux-amd64', 'https://x/kind.sha256sum')).toThrow(
      'https://x/kind.sha256sum has no SHA-256 for kind-linux-amd64',
    );
  });
});
