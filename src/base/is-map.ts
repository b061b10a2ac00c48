/** Whether a value is a map, as JSON and YAML have them: no list, and no null. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
