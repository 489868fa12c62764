// The types of the Workers runtime lack what browsers and other runtimes have.
const { compileStreaming } = WebAssembly as unknown as {
  compileStreaming(response: Promise<Response>): Promise<WebAssembly.Module>;
};

async function compile(): Promise<WebAssembly.Module | undefined> {
  try {
    return await compileStreaming(fetch(new URL("./otlp.wasm", import.meta.url)));
  } catch {
    // Without it nothing is exported from here; the program that imports it goes on.
    return undefined;
  }
}

/** The compiled OTLP module, or undefined where it cannot be fetched. */
export const otlpModule: WebAssembly.Module | undefined = await compile();
