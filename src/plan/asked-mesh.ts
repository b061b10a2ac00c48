/** What scenarios ask of the mesh as a whole, besides the fetch mode. Those that ask for the same run together. */
import type { MeshSpec } from '../scenario/format/schema.ts';

export interface MeshSettings {
  /** Fields of Istio's MeshConfig, over those of the installation. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Environment variables of istiod, by name. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The mesh as it is. */
export const asItIs: MeshSettings = { config: {}, variables: {} };

export function settingsOf(mesh: MeshSpec | undefined): MeshSettings {
  const { fetch: _, istiod = {}, pathNormalization, ...fields } = mesh ?? {};
  const config = {
    ...fields,
    pathNormalization: pathNormalization && { normalization: pathNormalization },
  };
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  return { config: Object.fromEntries(given), variables: istiod };
}

/** Whether they ask for anything. */
export function areOwn({ config, variables }: MeshSettings): boolean {
  return Object.keys(config).length + Object.keys(variables).length > 0;
}

/** The same for settings that say the same, in whatever order. */
export function keyOf(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As reports say them: a short text by the name of each field and variable; undefined when there are none. */
export function settingsText(mesh: MeshSpec | undefined): Readonly<Record<string, string>> | undefined {
  const { fetch: _, istiod = {}, ...fields } = mesh ?? {};
  const texts = Object.entries({ ...fields, ...istiod }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)] as const],
  );
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}
