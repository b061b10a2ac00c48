/** What holds for each file of tests. */
import fc from 'fast-check';
import { beforeAll } from 'vitest';
import { forgetSecrets } from '../../src/token/decode.ts';

// A property that does not hold says why in its own message; reports keep no causes of errors.
fc.configureGlobal({ ...fc.readConfigureGlobal(), includeErrorInReport: true });

beforeAll(forgetSecrets);
