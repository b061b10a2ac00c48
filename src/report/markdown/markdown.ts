/** Text from outside in GitHub-flavoured Markdown: read as it is, and nothing else. */
import { oneLine } from '../../base/harmless.ts';
import { truncate } from '../text.ts';

/** Longest text, in columns. */
const widest = 300;

/**
 * The text as one line of Markdown that shows it and does nothing: no markup, no HTML, no cell of a table, no link, and
 * nobody is mentioned.
 */
export function markdownText(text: string, width = widest): string {
  return (
    truncate(oneLine(text), width)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replace(/[\\`*_{}[\]()|~!$^]/g, String.raw`\$&`)
      // At the start of a line these would begin a list or a heading.
      .replace(/^[-+=#]|^\d+(?=[.)])/, (start) => (/\d/.test(start) ? `${start}<!-- -->` : `\\${start}`))
      // References to people, issues and addresses are found after the markup; a comment keeps them apart.
      .replace(/[@#](?=\w)|:(?=\/\/)|\bwww(?=\.)/gi, '$&<!-- -->')
  );
}
