/** Answers of a mesh are taken as what they should be only after a look: something else may have answered. */
import * as z from 'zod';
import { notUnderstood } from '../base/errors.ts';
import type { KubeObject } from '../target/target.ts';

const texts = z.record(z.string(), z.string()).nullish();
const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  labels: texts,
  annotations: texts,
});
const map = z.looseObject({}).nullish();
const object = z.looseObject({ metadata, spec: map, status: map, data: map });
const named = z.array(z.looseObject({ name: z.string() })).nullish();
const conditions = z.array(z.looseObject({ type: z.string(), status: z.string() })).nullish();
const containers = z
  .array(z.looseObject({ name: z.string(), state: z.looseObject({ waiting: map }).nullish() }))
  .nullish();

/** The fields that are used of the kinds whose objects a cluster makes itself. */
const kinds: Readonly<Record<string, z.ZodType>> = {
  Pod: object.extend({
    spec: z
      .looseObject({
        containers: named,
        initContainers: named,
        volumes: z.array(z.unknown()).nullish(),
      })
      .nullish(),
    status: z
      .looseObject({ conditions, containerStatuses: containers, initContainerStatuses: containers })
      .nullish(),
  }),
  Service: object.extend({
    spec: z
      .looseObject({ selector: texts, ports: z.array(z.looseObject({ port: z.number() })).nullish() })
      .nullish(),
  }),
  Deployment: object.extend({
    spec: z
      .looseObject({
        selector: z.looseObject({ matchLabels: texts }).nullish(),
        template: z.looseObject({ spec: z.looseObject({ containers: named }).nullish() }).nullish(),
      })
      .nullish(),
    status: z.looseObject({ conditions }).nullish(),
  }),
  EndpointSlice: object.extend({
    endpoints: z.array(z.looseObject({ conditions: map, targetRef: map })).nullish(),
  }),
};

/**
 * An object as the API server has answered it.
 *
 * @throws HarnessError E_KUBE when it is none of this kind
 */
export function objectIn(body: unknown, kind: string): KubeObject {
  const { error } = (Object.hasOwn(kinds, kind) ? kinds[kind]! : object).safeParse(body);
  if (error === undefined) return body as KubeObject;
  const [issue] = error.issues;
  const at = issue?.path.join('.');
  throw notUnderstood('the API server', `no ${kind}: ${at ? `${at}: ` : ''}${issue?.message}`, error);
}

const list = z.looseObject({ items: z.array(z.unknown()).nullish() });

/** The objects of a list, of which the API server says the kind only once. Throws like {@link objectIn}. */
export function objectsIn(
  body: unknown,
  { apiVersion, kind }: { apiVersion: string; kind: string },
): KubeObject[] {
  const { data, error } = list.safeParse(body);
  if (error !== undefined) throw notUnderstood('the API server', `no list of the kind ${kind}`, error);
  return (data.items ?? []).map((item) => ({ ...objectIn(item, kind), apiVersion, kind }));
}
