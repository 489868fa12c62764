import { isFunction } from "../read.ts";

type Method = (...args: unknown[]) => unknown;

const originals = new WeakMap<object, object>();

/** The model itself, where `model` is one that {@link interceptModel} made. */
export function originalModel<T extends object>(model: T): T {
  return (originals.get(model) as T | undefined) ?? model;
}

/**
 * A model in place of another, some of its methods replaced by what `intercept` answers for them. Everything else is
 * the original's; its methods run on the original, which may have private members.
 */
export function interceptModel(
  model: object,
  intercept: (name: PropertyKey, method: Method) => Method | undefined,
): object {
  const original = originalModel(model);
  // The target is not the model: of a frozen one, a proxy may not show other methods.
  const proxy = new Proxy(Object.create(original) as object, {
    get(_target, key) {
      const value: unknown = Reflect.get(original, key, original);
      if (!isFunction(value)) return value;
      const method: Method = (...args) => value.apply(original, args);
      return intercept(key, method) ?? value.bind(original);
    },
    set: (_target, key, value) => Reflect.set(original, key, value),
  });
  originals.set(proxy, original);
  return proxy;
}
