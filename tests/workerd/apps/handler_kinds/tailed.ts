/** A Worker whose traces another Worker's `tail` handler gets. */
export default {
  fetch(request: Request): Response {
    console.log(new URL(request.url).searchParams.get("fate"));
    return new Response("logged");
  },
} satisfies ExportedHandler;
