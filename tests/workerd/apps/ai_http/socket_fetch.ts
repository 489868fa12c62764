import { connect } from "cloudflare:sockets";

const headEnd = "\r\n\r\n";

/**
 * `fetch` over a bare TCP connection: that of a local runtime goes through a proxy, which hides from the Worker that a
 * connection was reset.
 */
export async function socketFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const { hostname, port, pathname } = new URL(request.url);
  const body = new Uint8Array(await request.arrayBuffer());
  const lines = [
    // An answer of version 1.0 ends with its connection.
    `${request.method} ${pathname} HTTP/1.0`,
    `host: ${hostname}`,
    ...[...request.headers].map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
  ];
  const socket = connect({ hostname, port: Number(port) });
  const writer = socket.writable.getWriter();
  await writer.write(new TextEncoder().encode(lines.join("\r\n") + headEnd));
  await writer.write(body);
  return await answerOf(socket.readable.getReader());
}

async function answerOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Response> {
  let received = new Uint8Array();
  let end = -1;
  while (end < 0) {
    const { done, value } = await reader.read();
    if (done) throw new TypeError("The connection was closed before an answer.");
    received = new Uint8Array([...received, ...value]);
    end = new TextDecoder("latin1").decode(received).indexOf(headEnd);
  }
  const [first = "", ...lines] = new TextDecoder().decode(received.subarray(0, end)).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const rest = received.subarray(end + headEnd.length);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (rest.length > 0) controller.enqueue(rest);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(body, {
    status: Number(first.split(" ")[1]),
    headers: headers.filter(([name]) => name.toLowerCase() !== "content-length"),
  });
}
