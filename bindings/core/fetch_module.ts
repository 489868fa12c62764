import { reportOnce } from "./report_once.ts";

// The types of the Workers runtime lack what browsers and other runtimes have.
const { compileStreaming } = WebAssembly as unknown as {
  compileStreaming(response: Promise<Response>): Promise<WebAssembly.Module>;
};

/** Fetches and compiles a module. Without it there is no telemetry; the program that imports it goes on. */
export async function fetchModule(url: URL): Promise<WebAssembly.Module | undefined> {
  try {
    return await compileStreaming(fetch(url));
  } catch (cause) {
    reportOnce(`isotel: ${url.pathname} could not be loaded; what needs it is off.`, cause);
    return undefined;
  }
}
