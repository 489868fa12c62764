/** Says each message once by `console.error`, however often it is to be said. */
export function onceReporter(): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    console.error(message);
  };
}
