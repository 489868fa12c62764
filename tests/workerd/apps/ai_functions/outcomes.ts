/** How one call goes. */
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

export type Outcome = (typeof outcomes)[number];
export type Major = "v6" | "v7";
