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
