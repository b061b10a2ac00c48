/** How messages spell the command of this program: as whoever reads them has typed it. */

const commands = [
  ...['run', 'up', 'down', 'list', 'lint', 'explain', 'init', 'fetch', 'doctor', 'report'],
  ...['diff', 'schema', 'matrix', 'versions', 'completion', 'mutate'],
].join('|');
const plain = new RegExp(String.raw`(?<![\w/.:-]|npx |run )jwt-e2e (?=(?:${commands})\b|--help)`, 'g');

/**
 * The text of ours with every `jwt-e2e COMMAND` in it as it can be typed here.
 *
 * @param program what stands before the name of a command, such as `npx jwt-e2e` or `npm run jwt-e2e --`
 */
export function spelled(text: string, program: string): string {
  return text.replace(plain, () => `${program} `);
}
