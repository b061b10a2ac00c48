/**
 * Lets Node.js run the TypeScript sources of a clone: import it before them, or node --import ./tools/typescript.mjs FILE
 *
 * Node.js from 22.18 on leaves types away by itself. For older ones it is done here, at each start anew: what is kept in a
 * folder for the next start can be put there by somebody else.
 */
import { register } from 'node:module';
import process from 'node:process';

// The types of Node.js 20 do not know it.
if (!(/** @type {{ typescript?: unknown }} */ (process.features).typescript)) {
  process.setSourceMapsEnabled(true);
  register('./typescript-hooks.mjs', import.meta.url);
}
