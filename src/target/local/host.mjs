// Lets the TypeScript sources run as they are; tsx is a dependency for this reason.
import 'tsx';

await import('./host-main.ts');
