/** What the HTTP conventions call a method they do not know, or a client could make names and label sets at will. */
export const otherMethod = "_OTHER";

const knownMethods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
]);

/** `http.request.method` of a request's method. */
export function httpMethod(method: string): string {
  return knownMethods.has(method) ? method : otherMethod;
}
