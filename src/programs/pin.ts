/** Which build of a program is wanted, and where it can be downloaded. */
import { HarnessError } from '../base/errors.ts';
import { currentPlatform, type Platform } from './platform.ts';
import type { Versions } from './versions.ts';

/** One build of a program. */
export interface ProgramPin {
  readonly version: string;
  readonly platform: Platform;
  readonly url: string;
  /** File inside the downloaded tar.gz archive; undefined when the download is the program itself. */
  readonly member?: string | undefined;
  /** SHA-256 of what is downloaded, when kind/versions.yaml has it. */
  readonly sha256?: string | undefined;
  /** The file with the SHA-256 that is published beside the download. */
  readonly checksumUrl: string;
}

/**
 * What kind/versions.yaml says about one program.
 *
 * @param options.version another version than that of the file; for istioctl always the version of Istio
 * @param options.mirror a URL that stands for scheme and host of the original, such as
 *   `https://mirror.example/github`; paths stay as they are
 * @throws HarnessError E_SETTINGS for a mirror that is no http or https URL; E_PROGRAM for a platform that has none
 */
export function programPin(
  versions: Versions,
  name: 'kind' | 'istioctl',
  options: {
    version?: string | undefined;
    mirror?: string | undefined;
    platform?: Platform | undefined;
  } = {},
): ProgramPin {
  const program = versions.programs[name];
  const platform = options.platform ?? currentPlatform();
  const version = options.version ?? program.version;
  const build = program.platforms[platform];
  if (build === undefined) {
    throw new HarnessError('E_PROGRAM', `kind/versions.yaml has no ${name} for ${platform}`, {
      hint: `install ${name} ${version} yourself and give its path with --${name} or JWT_E2E_${name.toUpperCase()}`,
    });
  }
  const original = build.url.replaceAll('{version}', version);
  const url = options.mirror === undefined ? original : mirrored(original, options.mirror);
  return {
    version,
    platform,
    url,
    member: build.member,
    sha256: build.sha256?.[version],
    checksumUrl: program.checksum.replaceAll('{url}', url),
  };
}

/** `url` with scheme and host replaced by `mirror`, whose own path comes first. */
export function mirrored(url: string, mirror: string): string {
  const base = URL.canParse(mirror) ? new URL(mirror) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw new HarnessError('E_SETTINGS', 'the mirror for downloads is not an http or https URL', {
      hint: 'set JWT_E2E_DOWNLOADS to the URL that stands for https://github.com, such as https://mirror.example/github',
    });
  }
  const { pathname, search } = new URL(url);
  base.pathname = base.pathname.replace(/\/+$/, '') + pathname;
  base.search = search;
  return base.href;
}
