/** What `registerOpenTelemetry` has registered. False for what another provider has, which stays. */
export interface OpenTelemetryRegistration {
  /** Whether spans of the API are spans of isotel. */
  readonly traces: boolean;
  /** Whether isotel keeps the active context. Only with {@link traces}. */
  readonly contexts: boolean;
  /** Whether isotel reads and writes the headers of W3C Trace Context and Baggage. Only with {@link traces}. */
  readonly propagation: boolean;
  /** Whether metrics of the API are metrics of isotel. Needs the import `isotel/opentelemetry/metrics`. */
  readonly metrics: boolean;
  /** Whether log records of the API are log records of `isotel/otlp`. */
  readonly logs: boolean;
  /** Removes what was registered. Spans that are open stay usable. */
  unregister(): void;
}
