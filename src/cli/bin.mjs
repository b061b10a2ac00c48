#!/usr/bin/env node
// Lets the TypeScript sources run as they are; tsx is a dependency for this reason.
import 'tsx';

await import('./main.ts');
