/** Says in plain words what is wrong with the syntax of a YAML file. */
import type { YAMLError } from 'yaml';
import { HarnessError, type Place } from '../../base/errors.ts';

/** After these the rest of the file, or what stands before them, can still be understood. */
const harmless = new Set<string>(['TAG_RESOLVE_FAILED', 'MULTIPLE_DOCS']);

/**
 * Turns the parser's errors into ours. One mistake often makes the parser complain several times about the rest of the
 * line and of the file, so nothing after the first fatal error counts.
 *
 * @param unclosed where the quote or bracket before an offset stands that is not closed, as far as that can be told
 */
export function explainYaml(
  problems: readonly YAMLError[],
  source: string,
  at: (offset: number) => Place,
  unclosed: (before: number) => number | undefined,
): { errors: HarnessError[]; fatal: boolean } {
  const inOrder = problems.toSorted((a, b) => a.pos[0] - b.pos[0]);
  const firstFatal = inOrder.findIndex(({ code }) => !harmless.has(code));
  const told = firstFatal === -1 ? inOrder : inOrder.slice(0, firstFatal + 1);
  return {
    fatal: firstFatal !== -1,
    errors: told.map((problem) => {
      const isOpen = /^Missing closing|^Flow .* end with a/.test(problem.message);
      const opening = isOpen ? unclosed(problem.pos[0]) : undefined;
      const { message, hint } =
        opening === undefined
          ? explain(problem, inOrder, source)
          : {
              message: `the ${source[opening]} that starts here is not closed`,
              hint: `Add the ${closing[source[opening]!] ?? source[opening]} that ends it.`,
            };
      const place = at(opening ?? problem.pos[0]);
      return new HarnessError('E_SCENARIO', message, { hint, place, cause: problem });
    }),
  };
}

const closing: Readonly<Record<string, string>> = { '[': ']', '{': '}' };

function explain(
  problem: YAMLError,
  all: readonly YAMLError[],
  source: string,
): { message: string; hint: string } {
  const offset = problem.pos[0];
  // In a flow collection the "{" of a template starts a map, unless it is quoted.
  if (source[offset] === '{' && source[offset - 1] === '$') {
    const template = /^\$\{[^}\n]*\}/.exec(source.slice(offset - 1))?.[0] ?? '${…}';
    return {
      message: `${template} must be in quotes here`,
      hint: `Within { } and [ ] write '${template}', with single quotes.`,
    };
  }
  switch (problem.code) {
    case 'TAB_AS_INDENT':
      return {
        message: 'a tab is used for indentation',
        hint: 'YAML allows only spaces here; replace the tab by two spaces.',
      };
    case 'MULTIPLE_DOCS':
      return {
        message: 'a second document starts here, but this file holds only one',
        hint: 'Put what follows "---" into a file of its own.',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      if (!problem.message.startsWith('Nested')) return badIndentation;
      if (all.some(({ code, pos }) => code === 'MULTILINE_IMPLICIT_KEY' && pos[0] === offset)) {
        return {
          message: 'a value, and keys indented below it',
          hint: 'Remove the value, or let the keys start in the same column as the one above.',
        };
      }
      return {
        message: 'a second key in one line',
        hint: 'Put text that contains ": " in quotes, or start the nested map on a new line.',
      };
    case 'MULTILINE_IMPLICIT_KEY':
      return {
        message: 'this is neither a key with a value nor an entry of a list',
        hint: 'Write "key: value", with a space after the colon.',
      };
    case 'UNEXPECTED_TOKEN':
      return {
        message: 'this does not belong to what stands before it',
        hint: 'Put text with quotes or brackets in it into quotes as a whole; keys of one map start in the same column.',
      };
    case 'BAD_SCALAR_START':
      return { message: `text cannot start with ${source[offset]}`, hint: 'Put the text in quotes.' };
    case 'BAD_INDENT':
      return badIndentation;
    case 'TAG_RESOLVE_FAILED':
      return {
        message: 'a tag with "!" means nothing here',
        hint: 'Put text that starts with "!" in quotes.',
      };
    default: {
      const message = problem.message.replace(/\s+/g, ' ');
      return {
        message: `this is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
        hint: 'Put text with special characters in quotes, and see that every bracket and quote is closed.',
      };
    }
  }
}

const badIndentation = {
  message: 'this line is not indented as it should be',
  hint: 'Keys of one map, and entries of one list, start in the same column.',
};
