#!/usr/bin/env node
// Lets the TypeScript sources run as they are; tsx is a dependency for this reason.
import 'tsx';

const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
