/** What `text` says as JSON; undefined when it is none. A schema checks it afterwards, so that is error enough. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
