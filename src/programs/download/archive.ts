/** Takes one file out of a tar.gz archive. */
import { HarnessError } from '../../base/errors.ts';
import { archiveLimits, type Limits } from './download-limits.ts';
import { untar } from './untar.ts';

/**
 * Writes the regular file `member` of `archive` to `target`. Nothing else of the archive is written, so paths,
 * links and modes in it do not matter.
 *
 * @throws HarnessError E_PROGRAM when the archive is damaged or unpacks to more than an archive of `maxBytes` may, has
 *   no such file, or the file is larger than `maxBytes`; E_INTERRUPTED; what the disk throws
 */
export async function extractMember(
  archive: string,
  member: string,
  target: string,
  { maxBytes, signal }: Pick<Limits, 'maxBytes'> & { readonly signal: AbortSignal },
): Promise<void> {
  let size: number | undefined;
  const reading = {
    what: `the archive of ${member}`,
    maxUnpacked: maxBytes * archiveLimits.unpackedFactor,
    signal,
  };
  await untar(archive, reading, (entry) => {
    if (size !== undefined || entry.type !== 'File' || entry.path.replace(/^\.\//, '') !== member) return;
    size = entry.size;
    if (size > maxBytes) {
      throw new HarnessError('E_PROGRAM', `${member} in the archive is larger than ${maxBytes} bytes`);
    }
    return target;
  });
  if (size === undefined) throw new HarnessError('E_PROGRAM', `the archive has no file ${member}`);
}
