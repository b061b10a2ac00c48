/** The applications of kind/apps: their manifests with images, and programs of this product, filled in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { HarnessError } from '../../base/errors.ts';
import { moduleFile } from '../../base/files/product-files.ts';
import type { KubeObject } from '../target.ts';

/**
 * Reads `<folder>/<name>.yaml` and replaces `${images.NAME}`, and `${programs.ext-authz}` by the text of that program.
 *
 * @throws HarnessError E_SETTINGS for an application that does not exist or is not YAML, or an image that is not set.
 */
export function loadApp(
  folder: string,
  name: string,
  images: Readonly<Record<string, string>>,
): KubeObject[] {
  const file = join(folder, `${name}.yaml`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    const known = readdirSync(folder)
      .filter((each) => each.endsWith('.yaml'))
      .map((each) => each.slice(0, -5));
    throw new HarnessError('E_SETTINGS', `there is no application "${name}"`, {
      hint: `Known are: ${known.join(', ')}; others need a file ${file}.`,
    });
  }
  // JSON is YAML. Looked for in the manifest only, and not in the program.
  const program = () => JSON.stringify(readFileSync(moduleFile('target/authorizer/ext-authz.mjs'), 'utf8'));
  const filled = text
    .replace('${programs.ext-authz}', program)
    .replace(/\$\{images\.([-\w]+)\}/g, (_match, image: string) => {
      const value = images[image];
      if (value === undefined) {
        throw new HarnessError('E_SETTINGS', `${file} needs the image "${image}", which is not set`, {
          hint: `Set it with --image ${image}=NAME.`,
        });
      }
      return value;
    });
  const lineCounter = new LineCounter();
  return [...parseAllDocuments(filled, { lineCounter, prettyErrors: false })].flatMap((document) => {
    const [mistake] = document.errors;
    if (mistake !== undefined) {
      const { line, col } = lineCounter.linePos(mistake.pos[0]);
      const place = { file, line, column: col };
      throw new HarnessError('E_SETTINGS', mistake.message, { place });
    }
    // What stands between two "---" may be nothing but a comment.
    return (document.toJS() as KubeObject | null) ?? [];
  });
}

/** The images that an application needs. */
export function imagesOf(objects: readonly KubeObject[]): string[] {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === 'object' && node !== null) {
      const { image } = node as { image?: unknown };
      if (typeof image === 'string') found.add(image);
      Object.values(node).forEach(visit);
    }
  };
  visit(objects);
  return [...found];
}
