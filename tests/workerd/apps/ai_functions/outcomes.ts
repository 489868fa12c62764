/** How calls of all functions go. */
export const outcomes = [
  "success",
  "retry",
  "string_id",
  "disabled",
  "provider_error",
  "abort",
  "break",
  "cancel",
  "unread",
] as const;

/** How one call goes. `gateway_id` is an id that the SDK's own gateway resolves. */
export type Outcome = (typeof outcomes)[number] | "gateway_id";
export type Major = "v6" | "v7";
