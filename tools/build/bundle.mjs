/** Makes one program of the sources and of the packages that they import, in parts that are loaded when they are needed. */
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename } from 'node:path';
import { build } from 'esbuild';

/** What is started, imported by others or loaded into a process of others, by its place in src. */
const entries = [
  'api/index.ts',
  'cli/bin.mjs',
  'target/local/host/host.mjs',
  'vitest-plugin/vitest-host.mjs',
  'vitest-plugin/plugin.ts',
  'vitest-plugin/runtime.ts',
];

/**
 * @param {string} root the folder with package.json
 * @param {string} output
 * @returns {Promise<string[]>} the files of which something is in the bundle, relative to the root
 */
export async function bundle(root, output) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((name) => `src/${name}`),
    outbase: 'src',
    outdir: output,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // Where packages are is nobody's business, and may be a link.
    preserveSymlinks: true,
    target: 'node20.19',
    // Names stay as they are, so that a stack tells something to whoever has no source map at hand.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    sourcemap: 'linked',
    // What modules have in place of these.
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    // All of them are in a file of their own.
    legalComments: 'none',
    banner: { js: requiring },
    // Modules rather than what came before them: there is less of them to take.
    mainFields: ['module', 'main'],
    // That of Node.js writes a warning into every run, from Node.js 21 on.
    alias: { punycode: 'punycode/punycode.js' },
    // Vitest is there when its plugin is loaded.
    external: ['vitest'],
    plugins: [optional, pure, shortMaps],
    metafile: true,
    logLevel: 'warning',
  });
  // Of what is no module yet, import() would have nothing but a default.
  const lost = Object.values(metafile.outputs).filter(
    ({ entryPoint, exports }) => entryPoint?.includes('node_modules') && exports.join() === 'default',
  );
  if (lost.length > 0) {
    const files = lost.map(({ entryPoint }) => entryPoint).join(', ');
    throw new Error(`import a module of our own that exports by name what is needed of ${files}`);
  }
  const asked = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  const missing = asked.filter(
    // Some come with newer versions of Node.js alone.
    ({ external, path }) => external && !isBuiltin(path) && !path.startsWith('node:') && path !== 'vitest',
  );
  if (missing.length > 0) throw new Error(`not in the bundle: ${missing.map(({ path }) => path).join(', ')}`);
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return [...new Set(used)].sort();
}

/** Packages that are no modules yet call require, which modules do not have. */
const requiring =
  "import{createRequire as requireOfNode}from'node:module';const require=requireOfNode(import.meta.url);";

/**
 * What packages take when it is there, and do without: what is compiled for one kind of machine (ssh2 and ws), other
 * encodings of answers (node-fetch), and picomatch (fdir, for what tinyglobby does not use). So nothing is run that happens
 * to be installed beside this package.
 */
/** @type {import('esbuild').Plugin} */
const optional = {
  name: 'optional',
  setup({ onResolve, onLoad }) {
    const filter = /\.node$|^(?:cpu-features|bufferutil|utf-8-validate|encoding)$/;
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'optional' }));
    onLoad({ filter: /.*/, namespace: 'optional' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in this package`)});`,
    }));
  },
};

/** @param {string} source of fdir, which hides its require from bundlers */
function withoutPicomatch(source) {
  const taken = '__require("picomatch")';
  if (!source.includes(taken)) throw new Error(`fdir no longer has ${taken}: see what it has instead`);
  return source.replace('__require.resolve("picomatch");', '').replace(taken, 'null');
}

/** A thousand classes of which a few are used; it does not say that nothing happens when the others are left out. */
/** @type {import('esbuild').Plugin} */
const pure = {
  name: 'pure',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@kubernetes\/client-node$|^\./ }, async ({ path, pluginData, ...from }) => {
      const isOurs = path.startsWith('@') || /[/\\]@kubernetes[/\\]client-node[/\\]/.test(from.importer);
      if (pluginData === 'resolving' || !isOurs) return undefined;
      const { importer, resolveDir, kind } = from;
      const found = await resolve(path, { importer, resolveDir, kind, pluginData: 'resolving' });
      return { ...found, sideEffects: false };
    });
  },
};

/** Source maps are about our own sources: of packages they name the file alone, and are small. */
/** @type {import('esbuild').Plugin} */
const shortMaps = {
  name: 'short-maps',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]node_modules[/\\].*\.[cm]?js$/ }, ({ path }) => {
      const map = { version: 3, sources: [basename(path)], sourcesContent: [''], mappings: 'AAAA' };
      const url = `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
      const source = readFileSync(path, 'utf8');
      const own = /[/\\]fdir[/\\][^/\\]+[/\\]index\.mjs$/.test(path) ? withoutPicomatch(source) : source;
      return { contents: `${own}\n//# sourceMappingURL=${url}` };
    });
  },
};
