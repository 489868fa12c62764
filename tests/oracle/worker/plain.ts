import { answer, originals } from "./cases.ts";

export default {
  fetch: (request) => answer(request, originals),
} satisfies ExportedHandler;
