import { isFunction } from "../../base/values.ts";

/**
 * A copy of a tool with one property replaced; the caller's own object stays as it is. Most tools are plain data, which
 * is copied without descriptors.
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

/** What stands for a model. */
interface Stand {
  readonly original: object;
  proxy: object | undefined;
}

/** Asked for this, a model that {@link interceptModel} made answers with its {@link Stand}. */
const standKey = Symbol("isotel.ai.stand");

/** The model itself, where `model` is one that {@link interceptModel} made. */
export function originalModel<T extends object>(model: T): T {
  try {
    const stand = (model as { readonly [standKey]?: Stand })[standKey];
    // What a caller has put around such a model hands the question on.
    return stand?.proxy === model ? (stand.original as T) : model;
  } catch {
    return model;
  }
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
  const stand: Stand = { original, proxy: undefined };
  // The target is not the model: of a frozen one, a proxy may not show other methods.
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
