/** What --debug tells that no report does. Costs nothing while nobody listens. */
import { channel } from 'node:diagnostics_channel';

/** Each message is a text without line breaks. */
export const debugChannel = channel('jwt-e2e:debug');

/** @param text made only when somebody listens */
export function debug(text: () => string): void {
  if (debugChannel.hasSubscribers) debugChannel.publish(text());
}
