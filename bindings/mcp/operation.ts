import { redactedTarget, redactorOf } from "../ai/calls/redaction.ts";
import { boundedJson } from "../ai/content/bounded_json.ts";
import { maskSecrets } from "../base/address.ts";
import { cutToBytes } from "../base/bytes.ts";
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

/** Limit of a text that the other side chooses, as of a name or a message. */
const maxTextBytes = 1024;
/** Limit of the arguments of a prompt that are recorded. */
const maxVariables = 64;
const methodNotFound = "-32601";

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
  /** Redacted. */
  #start: Attributes = {};
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
    this.#start = telemetry.guard(() => this.#startAttributes()) ?? {};
  }

  get isOver(): boolean {
    return this.#isOver;
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
      kind: this.#side === "client" ? SpanKind.client : SpanKind.server,
    };
  }

  /** Records the start on a span of its own. */
  begin(span: Span): void {
    this.#span = span;
    span.recordsErrors = this.#settings.recordErrors;
    span.onTruncate = () => this.#end(Outcome.truncated, undefined, undefined);
    this.#telemetry.guard(() => span.setAttributes({ ...this.#start, ...this.#input() }));
  }

  /**
   * Records the start on the execute_tool span of the tool that makes the call. That span has the name and, on request,
   * the content of the call already.
   */
  join({ span }: RunningTool): void {
    this.#span = span;
    this.#isShared = true;
    this.#telemetry.guard(() => {
      const { "gen_ai.operation.name": _, "gen_ai.tool.name": __, ...own } = this.#start;
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
      attributes["exception.message"] = this.#text(
        "exception.message",
        errorMessage(error.message),
      );
    }
    if (
      storeTools &&
      !this.#isShared &&
      answer.result !== undefined &&
      toolOf(this.#call) !== undefined
    ) {
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
    const key = "exception.message";
    this.#end(Outcome.failed, type, { [key]: this.#text(key, message) });
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
    const labels: Record<string, string | undefined> = {
      "error.type": type,
      "rpc.status_code": status,
    };
    for (const [key, value] of Object.entries({
      ...this.#start,
      ...this.#connectionAttributes(),
    })) {
      labels[key] = value === undefined ? undefined : String(value);
    }
    // Clients may send any method, and would take the values of the label from real ones.
    if (this.#side === "server" && status === methodNotFound) labels["mcp.method.name"] = "_OTHER";
    const seconds = (this.#telemetry.clock() - this.#startMs) / 1000;
    recordDuration(this.#side, "operation", labels as MCPLabels, seconds);
  }

  #startAttributes(): Attributes {
    const call = this.#call;
    const { method, id } = call;
    const text = (key: string, value: string | undefined) => this.#text(key, value);
    return {
      "mcp.method.name": text("mcp.method.name", method),
      "gen_ai.operation.name": method === "tools/call" ? "execute_tool" : undefined,
      "gen_ai.tool.name": text("gen_ai.tool.name", toolOf(call)),
      "gen_ai.prompt.name": text("gen_ai.prompt.name", promptOf(call)),
      "mcp.resource.uri": text("mcp.resource.uri", resourceOf(call)),
      "jsonrpc.request.id": text("jsonrpc.request.id", id === undefined ? undefined : String(id)),
      ...this.#networkAttributes(),
    };
  }

  /** Masks secrets in addresses, redacts, and cuts what the other side may send at any size. */
  #text(key: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    const shown = maskSecrets(cutToBytes(value, maxTextBytes));
    return this.#redact === undefined ? shown : this.#redact(key, shown);
  }

  #networkAttributes(): Attributes {
    const { transport, protocol, address, port } = this.#connection().network;
    return {
      "network.transport": transport || undefined,
      "network.protocol.name": protocol || undefined,
      "server.address": this.#text("server.address", address || undefined),
      "server.port": port,
    };
  }

  /** Read at the end, because the first answer of a server sets them. */
  #connectionAttributes(): Attributes {
    const { version, sessionId } = this.#connection();
    return {
      "mcp.protocol.version": this.#text("mcp.protocol.version", version),
      "mcp.session.id": this.#text("mcp.session.id", sessionId),
    };
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
      for (const [name, value] of Object.entries(record(given) ?? {}).slice(0, maxVariables)) {
        const key = `gen_ai.prompt.variable.${cutToBytes(name, maxTextBytes)}`;
        if (typeof value === "string") attributes[key] = this.#text(key, value);
      }
    }
    return attributes;
  }

  #json(key: string, value: unknown): string | undefined {
    const redact = this.#redact;
    return boundedJson(value, Abi.maxValueBytes, redact && ((text) => redact(key, text)));
  }
}
