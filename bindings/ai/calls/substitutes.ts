import { isFunction } from "../../base/values.ts";

/**
 * Returns a copy of a tool with one property replaced. Does not change the caller's object. Most tools are plain data,
 * which is copied without descriptors.
 */
export function toolWith(
  source: Readonly<Record<string, unknown>>,
  key: "execute" | "needsApproval",
  value: unknown,
): object {
  if (isPlainData(source)) return { ...source, [key]: value };
  const copy = Object.create(
    Object.getPrototypeOf(source),
    Object.getOwnPropertyDescriptors(source),
  ) as object;
  return Object.defineProperty(copy, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

const plainData = new WeakMap<object, boolean>();

function isPlainData(source: object): boolean {
  const known = plainData.get(source);
  if (known !== undefined) return known;
  const isPlain =
    Object.getPrototypeOf(source) === Object.prototype &&
    Object.values(Object.getOwnPropertyDescriptors(source)).every(
      (descriptor) => "value" in descriptor && descriptor.enumerable === true,
    );
  plainData.set(source, isPlain);
  return isPlain;
}

type Method = (...args: unknown[]) => unknown;

/** Connects a model with the proxy that replaces it. */
interface Stand {
  readonly original: object;
  proxy: object | undefined;
}

/** A model from {@link interceptModel} returns its {@link Stand} for this key. */
const standKey = Symbol("isotel.ai.stand");

/** Returns the original of a model from {@link interceptModel}. Returns any other model unchanged. */
export function originalModel<T extends object>(model: T): T {
  try {
    const stand = (model as { readonly [standKey]?: Stand })[standKey];
    // A wrapper around such a model may pass the key on. Its stand then belongs to another proxy.
    return stand?.proxy === model ? (stand.original as T) : model;
  } catch {
    return model;
  }
}

/**
 * Returns a proxy for a model. It replaces the methods for which `intercept` returns a function. All other properties
 * are those of the original. Methods run on the original, which may have private members.
 */
export function interceptModel(
  model: object,
  intercept: (name: PropertyKey, method: Method) => Method | undefined,
): object {
  const original = originalModel(model);
  const stand: Stand = { original, proxy: undefined };
  // The target is not the model, because a proxy of a frozen object must not report other methods.
  stand.proxy = new Proxy(Object.create(original) as object, {
    get(_target, key) {
      if (key === standKey) return stand;
      const value: unknown = Reflect.get(original, key, original);
      if (!isFunction(value)) return value;
      const method: Method = (...args) => value.apply(original, args);
      return intercept(key, method) ?? value.bind(original);
    },
    set: (_target, key, value) => Reflect.set(original, key, value),
  });
  return stand.proxy;
}
