import { reportOnce } from "../base/report_once.ts";

// The types of the Workers runtime lack this function, which browsers and other runtimes have.
const { compileStreaming } = WebAssembly as unknown as {
  compileStreaming(response: Promise<Response>): Promise<WebAssembly.Module>;
};

/** The compiled module, or undefined if it cannot be fetched. The program then runs without telemetry. */
export const compiledModule: WebAssembly.Module | undefined = await fetchModule(
  new URL("./module.wasm", import.meta.url),
);

async function fetchModule(url: URL): Promise<WebAssembly.Module | undefined> {
  try {
    return await compileStreaming(fetch(url));
  } catch (cause) {
    reportOnce(
      `isotel: ${url.pathname} could not be loaded; features that need it are off.`,
      cause,
    );
    return undefined;
  }
}
