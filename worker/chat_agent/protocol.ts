import { z } from "zod";

const clientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("prompt"), id: z.string(), text: z.string().max(4_000) }),
  z.object({
    type: z.literal("approval"),
    id: z.string(),
    approvalId: z.string(),
    approved: z.boolean(),
  }),
  z.object({ type: z.literal("stop") }),
]);

/** A message of a client. `id` identifies the turn that the message starts. */
export type ClientMessage = z.infer<typeof clientMessage>;

/** A message of the agent about the turn `id`. */
export type AgentMessage =
  | { readonly type: "delta"; readonly id: string; readonly text: string }
  | {
      readonly type: "approval-request";
      readonly id: string;
      readonly approvalId: string;
      readonly toolName: string;
    }
  | { readonly type: "end"; readonly id: string; readonly how: "finished" | "aborted" | "failed" }
  | { readonly type: "refused"; readonly why: string };

/** Returns the message, or undefined if the data is not a valid message. */
export function parseMessage(data: string | ArrayBuffer): ClientMessage | undefined {
  if (typeof data !== "string") return undefined;
  try {
    return clientMessage.parse(JSON.parse(data));
  } catch {
    return undefined;
  }
}
