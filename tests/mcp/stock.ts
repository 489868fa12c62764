// A Worker with MCP servers that other Workers reach over HTTP: `/mcp` without sessions, by version 2 of the SDK, and
// `/session/NAME` with a session in a Durable Object, by version 1.
import "../../dist/otlp/index.js";
import "../../dist/metrics/index.js";
import { DurableObject } from "cloudflare:workers";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { TelemetryAggregator } from "../../dist/aggregate/index.js";
import { tracer, withTelemetry } from "../../dist/index.js";
import { traceMCPServer } from "../../dist/mcp/index.js";
import { options, type TelemetryEnv } from "./options.ts";
import { serverV1, serverV2 } from "./servers.ts";

export { TelemetryAggregator };

interface Env extends TelemetryEnv {
  readonly SESSION: DurableObjectNamespace<SessionClass>;
}

class SessionClass extends DurableObject {
  readonly #server = traceMCPServer(serverV1(), { storeTools: true });
  #transport: WebStandardStreamableHTTPServerTransport | undefined;

  override async fetch(request: Request): Promise<Response> {
    if (this.#transport === undefined) {
      this.#transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
      });
      await this.#server.connect(this.#transport);
    }
    return this.#transport.handleRequest(request);
  }
}

export const Session = withTelemetry(SessionClass, options);

const handler = createMcpHandler(() => traceMCPServer(serverV2()));

export default withTelemetry(
  {
    async fetch(request, env) {
      const { pathname } = new URL(request.url);
      if (pathname === "/mcp") return handler.fetch(request);
      const [, name] = /^\/session\/(\w+)$/.exec(pathname) ?? [];
      if (name !== undefined) return env.SESSION.getByName(name).fetch(request);
      if (pathname === "/diagnostics") return Response.json(tracer.diagnostics());
      return new Response(null, { status: 404 });
    },
  } satisfies ExportedHandler<Env>,
  options,
);
