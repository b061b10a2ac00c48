/** Reads small bodies of HTTP answers whole. */
import { HarnessError } from '../../../base/errors.ts';
import { readUpTo } from '../../../base/files/limits.ts';
import { type Answer, shown } from '../../download/http-get.ts';

/** The specification lets registries refuse manifests larger than this; no real one comes near. */
const maxSmall = 4 * 1024 * 1024;

/**
 * The body of an answer.
 *
 * @throws HarnessError E_PROGRAM when it is larger than 4 MiB; what the connection throws
 */
export async function readBytes(answer: Answer): Promise<Buffer> {
  const { data, isCut } = await readUpTo(answer.body as AsyncIterable<Buffer>, maxSmall);
  if (!isCut) return data;
  throw new HarnessError(
    'E_PROGRAM',
    `${shown(answer.url.href)} answered with more than 4 MiB of description`,
  );
}

/** The body of an answer as text. Throws like {@link readBytes}. */
export async function readText(answer: Answer): Promise<string> {
  return (await readBytes(answer)).toString('utf8');
}

/** Whether the answer is a page for people: a login page, or an error page of a proxy. */
export function isPage(answer: Answer): boolean {
  return /^\s*text\/html\b/i.test(String(answer.headers['content-type'] ?? ''));
}
