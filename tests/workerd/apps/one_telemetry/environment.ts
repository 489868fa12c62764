export interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  readonly ROOM: DurableObjectNamespace;
  readonly RECEIVER: string;
}

export const libraryOptions = ({ TELEMETRY, RECEIVER }: Env) => ({
  metrics: { aggregator: TELEMETRY, flushIntervalMs: 100 },
  otlp: { backend: "custom" as const, endpoint: RECEIVER, format: "json" as const },
});

export const options = (env: Env) => {
  const { metrics, otlp } = libraryOptions(env);
  return { metrics: { ...metrics, public: true, source: "durable-object" as const }, otlp };
};
