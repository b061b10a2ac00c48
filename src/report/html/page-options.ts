/** What the page needs to know besides the result. */
import type { History } from '../history/history.ts';
import type { GivenFlag } from '../next-command.ts';

export interface HtmlOptions {
  /** What the page is called. Default: what was tested. */
  readonly title?: string | undefined;
  /** Earlier runs, to be shown beside each check. */
  readonly history?: History | undefined;
  /** Where the folder of evidence is, as an address relative to the page; without it there are no links to evidence. */
  readonly artifacts?: string | undefined;
  /** Flags of the run that commands to run next should have, too. Default: the target alone. */
  readonly given?: readonly GivenFlag[] | undefined;
  /** How this program was started, for commands to run next. */
  readonly program?: string | undefined;
}
