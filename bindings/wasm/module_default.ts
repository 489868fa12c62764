// The types of the Workers runtime lack this function, which browsers and other runtimes have.
const { compileStreaming } = WebAssembly as unknown as {
  compileStreaming(response: Promise<Response>): Promise<WebAssembly.Module>;
};

/** The compiled module, or undefined if it cannot be fetched. The program then runs without telemetry. */
export const compiledModule: WebAssembly.Module | undefined = await fetchModule();

async function fetchModule(): Promise<WebAssembly.Module | undefined> {
  try {
    return await compileStreaming(fetch(new URL("./module.wasm", import.meta.url)));
  } catch {
    // The host of the module reports it at the first use. A Worker may not log while it loads modules.
    return undefined;
  }
}
