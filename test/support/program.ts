/** The command line that tests start. */
import { fileURLToPath } from 'node:url';

/**
 * Of the sources, or the one of an installed package that `JWT_E2E_TEST_PROGRAM` names: so users have it, and it starts
 * in a third of the time.
 */
export const program =
  process.env.JWT_E2E_TEST_PROGRAM || fileURLToPath(new URL('../../src/cli/bin.mjs', import.meta.url));
