const pageSize = 100;
/** More than any account may have. */
const maxPages = 1000;

/** One page of a list whose client does not go on to the next by itself. */
export interface Page<T> {
  readonly result?: readonly T[] | null;
}

/**
 * All items of a list that comes in pages.
 *
 * @param idOf tells a page that repeats, of an endpoint that has only one.
 */
export async function allPages<T>(
  load: (page: number, size: number) => PromiseLike<Page<T>>,
  idOf: (item: T) => unknown,
): Promise<T[]> {
  const items = new Map<unknown, T>();
  for (let page = 1; page <= maxPages; page += 1) {
    const { result } = await load(page, pageSize);
    const before = items.size;
    for (const item of result ?? []) items.set(idOf(item), item);
    if ((result?.length ?? 0) < pageSize || items.size === before) break;
  }
  return [...items.values()];
}
