/** What went wrong with a registry, in words that say what to do. */
import * as z from 'zod';
import { HarnessError } from '../../../base/errors.ts';
import { type Answer, shown } from '../../download/http-get.ts';
import { isPage, readText } from './body.ts';
import { parseJson } from './parse-json.ts';
import type { Reference } from './reference.ts';

const errorAnswer = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().default('') })).min(1),
});

/**
 * The error for an answer with another status than 200, 401 and 403. Reads its body.
 *
 * @param what tag or digest that was asked for
 */
export async function refusal(answer: Answer, reference: Reference, what: string): Promise<HarnessError> {
  const text = await readText(answer);
  const told = errorAnswer.safeParse(parseJson(text)).data?.errors[0];
  const { registry, repository } = reference;
  if (told === undefined && (isPage(answer) || answer.status === 404))
    return notRegistry(answer, reference, text);
  if (answer.status === 404) {
    return new HarnessError('E_PROGRAM', `${registry} has no ${repository} ${what} (${told!.code})`, {
      hint: 'check the version and the hub; a mirror may not have this image',
    });
  }
  return new HarnessError('E_PROGRAM', `${registry} answered ${answer.status} for ${repository}`, {
    details: told === undefined ? text.slice(0, 500) : `${told.code}: ${told.message}`,
  });
}

/** Something answered that is no registry. */
export function notRegistry(answer: Answer, { registry }: Reference, text: string): HarnessError {
  const kind = isPage(answer) ? 'with an HTML page' : 'in no way that a registry does';
  return new HarnessError(
    'E_PROGRAM',
    `${registry} answered ${answer.status} ${kind}: it is no registry, or a proxy stands before it`,
    {
      hint: `check the hub and HTTPS_PROXY / NO_PROXY; open ${shown(answer.url.origin)} to see`,
      details: text.slice(0, 500),
    },
  );
}

/** What came is not what its digest stands for. */
export function wrongDigest(url: string, expected: string, actual: string): HarnessError {
  return new HarnessError('E_PROGRAM', `${url} has a wrong digest; it was not used`, {
    hint: 'a mirror or proxy changed it, or the expected digest is that of another image',
    details: `expected ${expected}\nactual   ${actual}`,
  });
}

/** A blob is larger than what is downloaded. */
export function tooLarge(url: string, bytes: number, maxBytes: number): HarnessError {
  return new HarnessError('E_PROGRAM', `${url} is too large: ${bytes} bytes, more than ${maxBytes}`);
}
