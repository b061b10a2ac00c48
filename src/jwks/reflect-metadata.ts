type Store = Map<unknown, Map<PropertyKey | undefined, unknown>>;

/**
 * Provides the part of `Reflect` metadata that @peculiar/x509 needs of its host through tsyringe, unless a full one is there.
 * Metadata belongs to an object, optionally to one of its properties, and is looked up along the prototypes.
 */
export function provideReflectMetadata(): void {
  if ('getMetadata' in Reflect) return;
  const all = new WeakMap<object, Store>();
  const own = (key: unknown, target: object, property?: PropertyKey) =>
    all.get(target)?.get(key)?.get(property);
  const define = (key: unknown, value: unknown, target: object, property?: PropertyKey) => {
    const store: Store = all.get(target) ?? new Map();
    all.set(target, store.set(key, (store.get(key) ?? new Map()).set(property, value)));
  };
  const get = (key: unknown, target: object, property?: PropertyKey): unknown => {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
      const value = own(key, at, property);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  Object.assign(Reflect, { defineMetadata: define, getOwnMetadata: own, getMetadata: get });
}
