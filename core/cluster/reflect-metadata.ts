/**
 * The few functions of the Reflect Metadata API that the X.509 library's dependency container looks for
 * when it is loaded. The library hands it ready-made objects, so nothing more is needed.
 * @module
 */

interface MetadataFunctions {
  defineMetadata?: (name: unknown, value: unknown, target: object) => void;
  getMetadata?: (name: unknown, target: object) => unknown;
  getOwnMetadata?: (name: unknown, target: object) => unknown;
  hasOwnMetadata?: (name: unknown, target: object) => boolean;
}

/** Adds them to `Reflect` unless somebody else has. */
export function provideReflectMetadata(): void {
  const reflect = Reflect as MetadataFunctions;
  if (reflect.getMetadata !== undefined) return;
  const known = new WeakMap<object, Map<unknown, unknown>>();
  reflect.defineMetadata = (name, value, target) => {
    const values = known.get(target) ?? new Map<unknown, unknown>();
    values.set(name, value);
    known.set(target, values);
  };
  reflect.getOwnMetadata = (name, target) => known.get(target)?.get(name);
  reflect.hasOwnMetadata = (name, target) => known.get(target)?.has(name) ?? false;
  reflect.getMetadata = (name, target) => {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
      const values = known.get(at);
      if (values?.has(name)) return values.get(name);
    }
    return undefined;
  };
}
