import { redactedTarget, redactorOf } from "../ai/calls/redaction.ts";
import { boundedJson } from "../ai/content/bounded_json.ts";
import { errorMessage, errorType, isCancellation, isTimeout } from "../base/cause.ts";
import { record } from "../base/values.ts";
import { Abi, Field, Operation, Outcome, Profile } from "../core/abi.gen.ts";
import { SpanKind } from "../otlp/core/model.ts";
import type { Span, SpanOptions } from "../trace/span.ts";
import type { Attributes } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import type { RunningTool } from "../trace/tool_span.ts";
import type { Redact } from "../trace/user_attributes.ts";
import { type Answer, type Call, errorTypeOf, promptOf, resourceOf, toolOf } from "./message.ts";
import { type MCPLabels, recordDuration, type Side } from "./metrics.ts";
import type { Network } from "./network.ts";
import type { MCPSettings } from "./options.ts";

/** What a span records of the connection below it. */
export interface Connection {
  readonly network: Network;
  readonly version: string | undefined;
  readonly sessionId: string | undefined;
}

/** How the work of an operation ended without an answer. */
export type Stop = "cancelled" | "timeout" | "connection_closed";

/** One request or notification on one side: its span, and its record in the metrics. */
export class MCPOperation {
  readonly #telemetry: Telemetry;
  readonly #settings: MCPSettings;
  readonly #call: Call;
  readonly #side: Side;
  readonly #connection: () => Connection;
  readonly #redact: Redact | undefined;
  readonly #startMs: number;
  /** Called once, when the operation is over. */
  onEnd: (() => void) | undefined;
  /** Whether the operation agrees on the version of the protocol. */
  isHandshake = false;
  #span: Span | undefined;
  /** Whether the span is that of a tool of the AI SDK, which ends it. */
  #isShared = false;
  #isOver = false;

  constructor(
    telemetry: Telemetry,
    settings: MCPSettings,
    call: Call,
    side: Side,
    connection: () => Connection,
  ) {
    this.#telemetry = telemetry;
    this.#settings = settings;
    this.#call = call;
    this.#side = side;
    this.#connection = connection;
    this.#redact = redactorOf(telemetry, settings.redact, undefined);
    this.#startMs = telemetry.clock();
  }

  /** `{method} {target}`. */
  get spanName(): string {
    const redact = this.#redact;
    const tool = redactedTarget(redact, "gen_ai.tool.name", toolOf(this.#call));
    const target = tool ?? redactedTarget(redact, "gen_ai.prompt.name", promptOf(this.#call));
    const { method } = this.#call;
    const name = target === undefined ? method : `${method} ${target}`;
    const { core } = this.#telemetry.host;
    return core === undefined ? name : this.#telemetry.names.custom(core, name);
  }

  get spanOptions(): SpanOptions {
    return {
      operation: Operation.custom,
      profile: Profile.agents,
      bounded: false,
      redact: this.#redact,
      kind: this.#side === "client" ? SpanKind.client : SpanKind.server,
    };
  }

  /** Records the start on a span of its own. */
  begin(span: Span): void {
    this.#span = span;
    span.recordsErrors = this.#settings.recordErrors;
    span.onTruncate = () => this.#end(Outcome.truncated, undefined, undefined);
    this.#telemetry.guard(() =>
      span.setAttributes({ ...this.#startAttributes(), ...this.#input() }),
    );
  }

  /** Records the start on the execute_tool span of the tool that makes the call. */
  join({ span }: RunningTool): void {
    this.#span = span;
    this.#isShared = true;
    this.#telemetry.guard(() => {
      const {
        "gen_ai.operation.name": _,
        "gen_ai.tool.name": __,
        ...own
      } = this.#startAttributes();
      span.setAttributes(own);
    });
  }

  /** Ends the operation with the answer to its request. */
  answer(answer: Answer): void {
    const isServer = this.#side === "server";
    const type = errorTypeOf(answer, isServer);
    const { error } = answer;
    const status = error?.code === undefined ? undefined : String(error.code);
    const { storeTools, recordErrors } = this.#settings;
    const attributes: Record<string, string | undefined> = { "rpc.status_code": status };
    if (recordErrors && error !== undefined) {
      attributes["exception.message"] = errorMessage(error.message);
    }
    if (storeTools && answer.result !== undefined && toolOf(this.#call) !== undefined) {
      const key = "gen_ai.tool.call.result";
      attributes[key] = this.#json(key, answer.result);
    }
    this.#end(type === undefined ? Outcome.finished : Outcome.failed, type, attributes, status);
  }

  /** Ends a notification, which has no answer. */
  finish(): void {
    this.#end(Outcome.finished, undefined, undefined);
  }

  /** Ends the operation because it failed before an answer. */
  fail(cause: unknown): void {
    if (isCancellation(cause)) {
      this.stop("cancelled");
      return;
    }
    const message = this.#settings.recordErrors ? errorMessage(cause) : undefined;
    const type = isTimeout(cause) ? "timeout" : errorType(cause);
    this.#end(Outcome.failed, type, { "exception.message": message });
  }

  /** Ends the operation because its caller, a timeout or the transport stopped it. */
  stop(how: Stop): void {
    if (how === "cancelled") this.#end(Outcome.cancelled, undefined, undefined);
    else this.#end(Outcome.failed, how, undefined);
  }

  #end(
    outcome: number,
    type: string | undefined,
    attributes: Attributes | undefined,
    status?: string,
  ): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onEnd?.();
    const telemetry = this.#telemetry;
    telemetry.guard(() => this.#record(type, status));
    const span = this.#span;
    if (span === undefined) return;
    telemetry.guard(() => span.setAttributes({ ...this.#connectionAttributes(), ...attributes }));
    if (this.#isShared) return;
    if (type === undefined) span.close(outcome);
    else span.close(outcome, span.newFields().text(Field.errorType, type));
  }

  #record(type: string | undefined, status: string | undefined): void {
    const attributes = { ...this.#startAttributes(), ...this.#connectionAttributes() };
    const labels: Record<string, string | undefined> = {
      "error.type": type,
      "rpc.status_code": status,
    };
    for (const [key, value] of Object.entries(attributes)) {
      labels[key] = value === undefined ? undefined : String(value);
    }
    const seconds = (this.#telemetry.clock() - this.#startMs) / 1000;
    recordDuration(this.#side, "operation", labels as MCPLabels, seconds);
  }

  #startAttributes(): Attributes {
    const call = this.#call;
    const tool = toolOf(call);
    return {
      "mcp.method.name": call.method,
      "gen_ai.operation.name": call.method === "tools/call" ? "execute_tool" : undefined,
      "gen_ai.tool.name": tool,
      "gen_ai.prompt.name": promptOf(call),
      "mcp.resource.uri": resourceOf(call),
      "jsonrpc.request.id": call.id === undefined ? undefined : String(call.id),
      ...this.#networkAttributes(),
    };
  }

  #networkAttributes(): Attributes {
    const { transport, protocol, address, port } = this.#connection().network;
    return {
      "network.transport": transport || undefined,
      "network.protocol.name": protocol || undefined,
      "server.address": address || undefined,
      "server.port": port,
    };
  }

  /** Read at the end, because the first answer of a server sets them. */
  #connectionAttributes(): Attributes {
    const { version, sessionId } = this.#connection();
    return { "mcp.protocol.version": version, "mcp.session.id": sessionId };
  }

  #input(): Attributes {
    const { storeTools, storePrompts } = this.#settings;
    const call = this.#call;
    const attributes: Record<string, string | undefined> = {};
    const given = call.params?.["arguments"];
    if (storeTools && toolOf(call) !== undefined) {
      const key = "gen_ai.tool.call.arguments";
      attributes[key] = this.#json(key, given);
    }
    if (storePrompts && promptOf(call) !== undefined) {
      for (const [name, value] of Object.entries(record(given) ?? {})) {
        if (typeof value === "string") attributes[`gen_ai.prompt.variable.${name}`] = value;
      }
    }
    return attributes;
  }

  #json(key: string, value: unknown): string | undefined {
    const redact = this.#redact;
    return boundedJson(value, Abi.maxValueBytes, redact && ((text) => redact(key, text)));
  }
}
