import { type FinishedSpan, listAttributes } from "../../bindings/otlp/core/model.ts";

/** A span with nothing to it; tests add what they are about. */
export const plainSpan: FinishedSpan = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "",
  isParentRemote: undefined,
  traceState: "",
  flags: 1,
  name: "span",
  kind: 1,
  startUnixMs: 1000,
  endUnixMs: 2000,
  attributes: listAttributes({}),
  events: [],
  links: [],
  status: { code: 0, message: "" },
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
};
