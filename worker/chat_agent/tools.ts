import { tool } from "ai";
import { z } from "zod";

/** The agent's tools. */
export const tools = {
  send_email: tool({
    description: "Sends an email. The user has to approve it first.",
    inputSchema: z.object({ to: z.string() }),
    async execute({ to }) {
      await scheduler.wait(2);
      return { sentTo: to };
    },
  }),
};
