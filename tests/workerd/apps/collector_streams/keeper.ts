// A streaming tail Worker that keeps the events it gets as they are, until they are taken.
let events: unknown[] = [];

export default {
  tailStream(onset) {
    events.push(onset);
    return (event) => void events.push(event);
  },
  fetch() {
    // Integers of the runtime are bigint, which JSON has no form for; dates become texts by themselves.
    const body = JSON.stringify(events, (_key, value: unknown) =>
      typeof value === "bigint" ? { $bigint: value.toString() } : value,
    );
    events = [];
    return new Response(body);
  },
} satisfies ExportedHandler;
