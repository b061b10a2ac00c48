/** References to images, such as `docker.io/istio/pilot:1.31.1`: which registry is meant, and what in it. */
import { HarnessError } from '../../../base/errors.ts';
import { isLoopback } from '../../download/http-get.ts';
import { digestPattern } from '../digest.ts';

export interface Reference {
  /** Host and port as people write and `docker login` stores them: docker.io, localhost:5000. */
  readonly registry: string;
  /** Path of the image in the registry: istio/pilot. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** sha256:…; it decides, whatever the tag says. */
  readonly digest: string | undefined;
  /** Scheme, host and port of the registry's API. */
  readonly origin: string;
}

/** Docker Hub answers at another host than the one that its images are named after. */
const dockerHub = { name: 'docker.io', old: 'index.docker.io', api: 'registry-1.docker.io' };

const hostPattern =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d+)?$/i;
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * Reads a reference by Docker's rules: the first part is a registry when it has a dot or a port or is `localhost`, else
 * Docker Hub is meant; without tag and digest the tag is `latest`. Only registries on this machine are spoken to
 * without TLS.
 *
 * @throws HarnessError E_SETTINGS that says what is wrong with it
 */
export function parseReference(image: string): Reference {
  const scheme = /^[a-z]+:\/\//i.exec(image)?.[0];
  if (scheme !== undefined) throw wrong(image, `write it without ${scheme}`);
  const [named = '', digest, ...rest] = image.split('@');
  if (rest.length > 0 || (digest !== undefined && !digestPattern.test(digest))) {
    throw wrong(image, 'what follows @ must be sha256: and 64 hexadecimal digits in lower case');
  }
  // A colon after the last slash begins the tag; one before it, the port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon === -1 ? named : named.slice(0, colon);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw wrong(image, 'a tag has letters, digits, dots, dashes and underscores, 128 at most');
  }
  const { registry, repository } = split(name);
  if (repository.length > 255 || !repositoryPattern.test(repository)) {
    throw wrong(
      image,
      'the name of an image has small letters and digits, separated by dots, dashes and underscores',
    );
  }
  const origin = originOf(registry);
  if (origin === undefined) throw wrong(image, `${registry} is no host with or without a port`);
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest, origin };
}

/** Writes a reference in its full form. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function split(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = slash !== -1 && (/[.:]/.test(first) || first === 'localhost');
  const registry = isRegistry && first !== dockerHub.old ? first.toLowerCase() : dockerHub.name;
  const repository = isRegistry ? name.slice(slash + 1) : name;
  const official = registry === dockerHub.name && !repository.includes('/');
  return { registry, repository: official ? `library/${repository}` : repository };
}

function originOf(registry: string): string | undefined {
  const host = registry === dockerHub.name ? dockerHub.api : registry;
  if (!hostPattern.test(host) || !URL.canParse(`https://${host}`)) return undefined;
  const url = new URL(`https://${host}`);
  // `127.1` and `0x7f000001` are addresses to URL, names to others.
  if (url.hostname !== host.replace(/:\d+$/, '')) return undefined;
  return `${isLoopback(url) ? 'http' : 'https'}://${host}`;
}

function wrong(image: string, why: string): HarnessError {
  return new HarnessError('E_SETTINGS', `${JSON.stringify(image)} is no reference to an image: ${why}`, {
    hint: 'it looks like docker.io/istio/pilot:1.31.1; what comes before /pilot is the hub',
  });
}
