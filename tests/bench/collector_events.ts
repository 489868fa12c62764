// Tail events with the shapes and the order that were recorded from workerd.

export type TailEvent = TailStream.TailEvent<TailStream.EventType>;

const cities = ["Lisbon", "New York", "Nairobi", "Osaka"];

/** Ten attributes of a span. Integers of the runtime are bigint. */
function attributesOf(index: number): TailStream.Attribute[] {
  return [
    { name: "db.system.name", value: "cloudflare-kv" },
    { name: "db.operation.name", value: "get" },
    { name: "cloudflare.binding.name", value: "SHOP_KV" },
    { name: "cloudflare.binding.type", value: "KV" },
    { name: "cloudflare.kv.query.keys", value: `order-${index}` },
    { name: "cloudflare.kv.query.keys.count", value: 1n },
    { name: "cloudflare.kv.response.size", value: BigInt(10 * index) },
    { name: "app.ratio", value: index / 7 },
    { name: "app.city", value: cities[index % cities.length] as string },
    { name: "app.is_gift", value: true },
  ];
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

/** The events of one invocation: a request that opens a number of spans, one after another. */
export function invocationEvents(number: number, spans: number): TailEvent[] {
  const traceId = hex(number + 1, 32);
  const invocationId = hex(number + 1, 32);
  const rootId = `${hex(number + 1, 8)}00000000`;
  const startMs = 1_700_000_000_000 + 100 * number;
  const events: TailEvent[] = [];
  const add = (event: TailStream.EventType, spanId?: string) => {
    const sequence = events.length;
    const timestamp = new Date(startMs + sequence);
    const spanContext = spanId === undefined ? { traceId } : { traceId, spanId };
    events.push({ invocationId, spanContext, timestamp, sequence, event });
  };
  add({
    type: "onset",
    executionModel: "stateless",
    spanId: rootId,
    scriptName: "shop",
    scriptTags: [],
    info: {
      type: "fetch",
      method: "GET",
      url: `https://shop.example/orders/${number}?page=1`,
      headers: [{ name: "user-agent", value: "bench" }],
    },
  });
  for (let i = 0; i < spans; i += 1) {
    const spanId = `${hex(number + 1, 8)}${hex(i + 1, 8)}`;
    add({ type: "spanOpen", name: "kv_get", spanId }, rootId);
    add({ type: "attributes", info: attributesOf(i) }, spanId);
    add({ type: "spanClose", outcome: "ok" }, spanId);
  }
  add({ type: "return", info: { type: "fetch", statusCode: 200 } }, rootId);
  add({ type: "outcome", outcome: "ok", cpuTime: 1, wallTime: 2 }, rootId);
  return events;
}
