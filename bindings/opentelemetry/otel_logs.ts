import {
  type Context,
  context as contextApi,
  isSpanContextValid,
  type TimeInput,
  trace,
} from "@opentelemetry/api";
import type { Attributes, SpanScope } from "../trace/span_runtime.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { exceptionAttributes, maxAttributes, unixMsOf } from "./attribute_values.ts";

/** A record of OpenTelemetry's API for logs, which is part of `@opentelemetry/api` since 1.10. */
export interface OtelLogRecord {
  readonly eventName?: string;
  readonly timestamp?: TimeInput;
  readonly observedTimestamp?: TimeInput;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly body?: unknown;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly exception?: unknown;
  readonly context?: Context;
}

/** A logger whose records are log records of `isotel/otlp`. Without an export it records nothing. */
export class OtelLogger {
  readonly #telemetry: Telemetry;
  readonly #scope: SpanScope;

  constructor(telemetry: Telemetry, scope: SpanScope) {
    this.#telemetry = telemetry;
    this.#scope = scope;
  }

  enabled(): boolean {
    return this.#telemetry.runtime.emitRecord !== undefined;
  }

  emit(record: OtelLogRecord): void {
    this.#telemetry.guard(() => this.#emit(record));
  }

  #emit({ exception, attributes, context = contextApi.active(), ...record }: OtelLogRecord): void {
    const all = Object.entries({ ...exceptionAttributes(exception), ...attributes }).filter(
      ([key, value]) => key !== "" && value !== undefined,
    );
    const parent = trace.getSpanContext(context);
    this.#telemetry.runtime.emitRecord?.({
      eventName: record.eventName ?? "",
      body: record.body,
      attributes: Object.fromEntries(all.slice(0, maxAttributes)) as Attributes,
      unixMs: unixMsOf(record.timestamp),
      observedUnixMs: unixMsOf(record.observedTimestamp),
      severityNumber: record.severityNumber ?? 0,
      severityText: record.severityText ?? "",
      droppedAttributesCount: Math.max(all.length - maxAttributes, 0),
      scope: this.#scope,
      parent: parent !== undefined && isSpanContextValid(parent) ? parent : undefined,
    });
  }
}

export class OtelLoggerProvider {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  getLogger(name: string, version?: string): OtelLogger {
    return new OtelLogger(this.#telemetry, { name: name ?? "", version: version ?? "" });
  }
}
