/** A property that does not hold says why in its own message; reports keep no causes of errors. */

import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), includeErrorInReport: true });
