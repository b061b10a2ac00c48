/** What `node --import` needs to run the sources as they are. */
export const typescript = new URL('../../tools/typescript.mjs', import.meta.url).href;
