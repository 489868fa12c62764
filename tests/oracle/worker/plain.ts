import { answer, originals } from "./cases.ts";

export default {
  fetch: (request) => answer(request, ({ major }) => originals[major]),
} satisfies ExportedHandler;
