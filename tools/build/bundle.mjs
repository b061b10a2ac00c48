/** Makes one program of the sources and of the packages that they import, in parts that are loaded when they are needed. */
import { readFileSync } from 'node:fs';
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
    // Vitest is there when its plugin is loaded.
    external: ['vitest'],
    plugins: [native, pure, shortMaps],
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
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return [...new Set(used)].sort();
}

/** Packages that are no modules yet call require, which modules do not have. */
const requiring =
  "import{createRequire as requireOfNode}from'node:module';const require=requireOfNode(import.meta.url);";

/** Compiled for one kind of machine, and done without where it is not there: ssh2, which testcontainers brings, has both. */
/** @type {import('esbuild').Plugin} */
const native = {
  name: 'native',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
    onLoad({ filter: /.*/, namespace: 'native' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in this package`)});`,
    }));
  },
};

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
      return { contents: `${readFileSync(path, 'utf8')}\n//# sourceMappingURL=${url}` };
    });
  },
};
