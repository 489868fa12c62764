let isThere = false;

/** Whether ids can be made: on Workers there is no entropy while modules are loaded. */
export function hasEntropy(): boolean {
  if (isThere) return true;
  try {
    crypto.getRandomValues(new Uint8Array(1));
    isThere = true;
  } catch {
    // Once there is a request it will be.
  }
  return isThere;
}
