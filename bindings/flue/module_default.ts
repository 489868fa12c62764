// The types of the Workers runtime lack what browsers and other runtimes have.
const { compileStreaming } = WebAssembly as unknown as {
  compileStreaming(response: Promise<Response>): Promise<WebAssembly.Module>;
};

async function compile(): Promise<WebAssembly.Module | undefined> {
  try {
    return await compileStreaming(fetch(new URL("./flue.wasm", import.meta.url)));
  } catch {
    // Without it Flue is not observed here; the program that imports it goes on.
    return undefined;
  }
}

/** The compiled module for Flue, or undefined where it cannot be fetched. */
export const flueModule: WebAssembly.Module | undefined = await compile();
