/** What typescript.mjs has Node.js do with the sources: types are left away, and nothing else is changed. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stop, transform } from 'esbuild';

/** @type {import('node:module').LoadHook} */
export const load = async (url, context, next) => {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const file = fileURLToPath(url);
  const { code } = await transformed(await readFile(file, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'es2023',
    sourcefile: file,
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  return { format: 'module', source: code, shortCircuit: true };
};

/**
 * In one process of esbuild for all files; transformSync starts one for each. The keys of a terminal that interrupt a program
 * interrupt that process, too, and it ends. What is loaded after that, such as what cleans up, needs another one.
 *
 * @param {string} source
 * @param {import('esbuild').TransformOptions} options
 */
async function transformed(source, options) {
  try {
    return await transform(source, options);
  } catch (thrown) {
    if (!(thrown instanceof Error) || !thrown.message.startsWith('The service ')) throw thrown;
    await stop();
    return transform(source, options);
  }
}
