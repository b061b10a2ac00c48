/** The files that nginx finds in its container: those of volumes, and the few of its image that it serves. */
import { posix } from 'node:path';

/** path in the container → file name → content */
export type Mounts = ReadonlyMap<string, ReadonlyMap<string, string>>;

export type Entry = { readonly kind: 'directory' } | { readonly kind: 'file'; readonly content: string };

const welcome =
  '<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n<h1>Welcome to nginx!</h1>\n<p>This is a stand-in for nginx.</p>\n</body>\n</html>\n';
const failed = '<!DOCTYPE html>\n<title>Error</title>\n<h1>An error occurred.</h1>\n';

const image: Mounts = new Map([
  [
    '/usr/share/nginx/html',
    new Map([
      ['index.html', welcome],
      ['50x.html', failed],
    ]),
  ],
]);

/** What relative paths in a configuration start from. */
const prefix = '/etc/nginx';

/** From nginx's mime.types, what is served in front of a mesh. By extension, in lower case. */
const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  xml: 'text/xml',
  txt: 'text/plain',
  js: 'application/javascript',
  json: 'application/json',
  crt: 'application/x-x509-ca-cert',
  der: 'application/x-x509-ca-cert',
  pem: 'application/x-x509-ca-cert',
  gif: 'image/gif',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  png: 'image/png',
  svg: 'image/svg+xml',
  webp: 'image/webp',
  pdf: 'application/pdf',
  wasm: 'application/wasm',
  woff: 'font/woff',
  woff2: 'font/woff2',
  zip: 'application/zip',
};

/** The content type for a decoded path, by its extension. */
export function typeOf(uri: string, defaultType: string): string {
  const [, extension = ''] = /\/[^/]+\.([^./]*)$/.exec(uri) ?? [];
  const key = extension.toLowerCase();
  return Object.hasOwn(types, key) ? types[key]! : defaultType;
}

/** Finds a file or directory. A volume hides what the image has at its place. */
export function find(mounts: Mounts, path: string): Entry | undefined {
  const full = posix.resolve(prefix, path);
  return findIn(mounts, full) ?? (covering(mounts, full) === undefined ? findIn(image, full) : undefined);
}

function findIn(mounts: Mounts, path: string): Entry | undefined {
  const mount = covering(mounts, path);
  if (mount !== undefined) {
    const files = mounts.get(mount)!;
    const name = posix.relative(mount, path);
    const content = files.get(name);
    if (content !== undefined) return { kind: 'file', content };
    if (name === '' || [...files.keys()].some((each) => each.startsWith(`${name}/`)))
      return { kind: 'directory' };
  }
  const above = [...mounts.keys()].some((each) => within(each, path));
  return above ? { kind: 'directory' } : undefined;
}

/** The innermost mount that a path is in. */
function covering(mounts: Mounts, path: string): string | undefined {
  return [...mounts.keys()]
    .filter((each) => within(path, each))
    .sort((one, other) => other.length - one.length)[0];
}

function within(path: string, directory: string): boolean {
  const relative = posix.relative(directory, path);
  return relative !== '..' && !relative.startsWith('../');
}
