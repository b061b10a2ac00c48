/** What a step applies, as reports show it. */
import { stringify } from 'yaml';
import type { AppliedManifest } from '../../base/events.ts';
import { nameOfKey } from '../../base/names.ts';
import type { KubeObject } from '../../target/target.ts';
import { shown } from '../private.ts';

export function manifestsOf(objects: readonly KubeObject[], showTokens: boolean): AppliedManifest[] {
  return objects.map((object) => ({
    object: nameOfKey({ ...object.metadata, kind: object.kind }),
    yaml: manifestYaml(object, showTokens),
  }));
}

/** YAML without data of Secrets, and without signatures of tokens unless they are wanted. */
export function manifestYaml(object: KubeObject, showTokens: boolean): string {
  return stringify(shown(withoutSecrets(object), showTokens));
}

function withoutSecrets(object: KubeObject): KubeObject {
  if (object.kind !== 'Secret') return object;
  const hidden = (data: unknown) =>
    typeof data === 'object'
      ? Object.fromEntries(Object.keys(data ?? {}).map((name) => [name, '(left out)']))
      : '(left out)';
  return {
    ...object,
    ...(object.data === undefined ? {} : { data: hidden(object.data) }),
    ...(object.stringData === undefined ? {} : { stringData: hidden(object.stringData) }),
  };
}
