import { reportOnce } from "../base/report_once.ts";

// The types of the Workers runtime lack what browsers and other runtimes have.
const { compileStreaming } = WebAssembly as unknown as {
  compileStreaming(response: Promise<Response>): Promise<WebAssembly.Module>;
};

/** The module, or undefined where it cannot be fetched. The program that imports it goes on without telemetry. */
export const compiledModule: WebAssembly.Module | undefined = await fetchModule(
  new URL("./module.wasm", import.meta.url),
);

async function fetchModule(url: URL): Promise<WebAssembly.Module | undefined> {
  try {
    return await compileStreaming(fetch(url));
  } catch (cause) {
    reportOnce(`isotel: ${url.pathname} could not be loaded; what needs it is off.`, cause);
    return undefined;
  }
}
