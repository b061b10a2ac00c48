/** A Kubernetes object as plain JSON, exactly as it was written or as the API server sent it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

/** Whether a value is a map, as JSON and YAML have them: no list, and no null. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Specs without their fields that are null: they are asked for with every request. */
const specs = new WeakMap<object, unknown>();

/** The spec of an object without the fields that are null, as YAML has them where nothing is written. */
export function specOf({ spec }: KubeObject): unknown {
  if (!isMap(spec)) return spec ?? {};
  const known = specs.get(spec) ?? withoutNulls(spec);
  specs.set(spec, known);
  return known;
}

/** Fields without a value are as those that are not there: the API server takes them away. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each) => withoutNulls(each)) as T;
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutNulls(each)])) as T;
}
