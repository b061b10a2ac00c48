/** A private key of the user's own, in a file that nobody else may read. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../programs/downloads.ts';

export const rsaJwk = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: 'mine',
});

export function fileOf(content: unknown, mode = 0o600): string {
  const file = join(temporaryFolder(), 'key.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}
