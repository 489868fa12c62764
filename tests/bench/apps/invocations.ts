import { DurableObject } from "cloudflare:workers";

interface Env {
  readonly SOCKETS: DurableObjectNamespace;
}

/** Answers after a few milliseconds. */
const handler = {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (new URL(request.url).pathname === "/socket") {
      return env.SOCKETS.get(env.SOCKETS.idFromName("one")).fetch(request);
    }
    await scheduler.wait(3);
    return new Response("ok");
  },
};

/** Echoes the messages of a hibernating WebSocket. */
export class Sockets extends DurableObject {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    socket.send(message);
  }
}

// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default handler;
