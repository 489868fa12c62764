/** Answers a request; what is no Response is sent as JSON. */
export type Route = (url: URL, request: Request) => unknown;

/** A Worker with one route a path. An error becomes status 500 and the error's text. */
export function routes(table: Readonly<Record<string, Route>>): ExportedHandler {
  return {
    async fetch(request) {
      const url = new URL(request.url);
      const route = table[url.pathname];
      if (route === undefined) {
        return new Response(`no route ${url.pathname}`, { status: 404 });
      }
      try {
        const answer = await route(url, request);
        return answer instanceof Response ? answer : Response.json(answer ?? null);
      } catch (error) {
        return new Response(String(error), { status: 500 });
      }
    },
  };
}
