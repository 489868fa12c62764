/** What an observer of a stream is told. Every method may be called more than once. */
export interface StreamObserver {
  /** Somebody began to consume it. */
  onStart?(): void;
  /** Each chunk, before the consumer gets it. */
  onChunk?(chunk: unknown): void;
  onDone(): void;
  /** The stream itself failed. */
  onError(cause: unknown): void;
  /** Its consumer wants no more. */
  onCancel(reason: unknown): void;
}

const { prototype } = ReadableStream;

/**
 * Observes a stream in place: the object, its chunks, their order and when each is produced stay as they are.
 *
 * The SDK pipes its streams, so `pipeThrough` is where they are observed, by doing the pipe's own work (WHATWG Streams,
 * ReadableStreamPipeTo) rather than by putting a stream in between. Any other way to consume it goes through one that
 * pulls only when it is pulled.
 *
 * @returns false when the stream cannot be observed, because it is locked or its methods cannot be replaced.
 */
export function observeStream(stream: ReadableStream, observer: StreamObserver): boolean {
  if (stream.locked || !Object.isExtensible(stream)) return false;
  let relay: ReadableStream | undefined;
  const relayed = () => {
    if (relay === undefined) {
      observer.onStart?.();
      relay = relayStream(stream, observer);
    }
    return relay;
  };
  define(stream, "pipeThrough", (transform: unknown, options: unknown) => {
    if (relay !== undefined || options !== undefined || !isTransform(transform)) {
      return relayed().pipeThrough(transform as ReadableWritablePair, options as StreamPipeOptions);
    }
    const { readable, writable } = transform;
    observer.onStart?.();
    void pipe(stream, writable, observer);
    return readable;
  });
  define(stream, "pipeTo", (...args: Parameters<ReadableStream["pipeTo"]>) =>
    relayed().pipeTo(...args),
  );
  define(stream, "tee", () => relayed().tee());
  define(stream, "getReader", (...args: Parameters<ReadableStream["getReader"]>) =>
    relayed().getReader(...args),
  );
  define(stream, "values", (...args: Parameters<ReadableStream["values"]>) =>
    relayed().values(...args),
  );
  define(stream, Symbol.asyncIterator, () => relayed()[Symbol.asyncIterator]());
  define(stream, "cancel", (reason: unknown) => {
    if (relay !== undefined) return relay.cancel(reason);
    observer.onCancel(reason);
    return prototype.cancel.call(stream, reason);
  });
  return true;
}

// The stream's own getReader has been replaced by one for consumers.
function readerOf(stream: ReadableStream): ReadableStreamDefaultReader<unknown> {
  const getReader = prototype.getReader as (this: ReadableStream) => unknown;
  return getReader.call(stream) as ReadableStreamDefaultReader<unknown>;
}

function define(stream: ReadableStream, key: PropertyKey, value: unknown): void {
  Object.defineProperty(stream, key, { value, configurable: true, writable: true });
}

function isTransform(value: unknown): value is ReadableWritablePair {
  if (typeof value !== "object" || value === null) return false;
  const { readable, writable } = value as Partial<ReadableWritablePair>;
  return (
    readable instanceof ReadableStream && writable instanceof WritableStream && !writable.locked
  );
}

/**
 * ReadableStreamPipeTo with an observer. The runtime's own tells of a cancellation only when the source has been
 * cancelled too, and the branch of a tee is not before its twin is.
 */
async function pipe(
  stream: ReadableStream,
  writable: WritableStream,
  observer: StreamObserver,
): Promise<void> {
  const reader = readerOf(stream);
  const writer = writable.getWriter();
  let isOver = false;
  writer.closed.catch((reason: unknown) => {
    if (isOver) return;
    isOver = true;
    observer.onCancel(reason);
    reader.cancel(reason).catch(ignore);
  });
  while (!isOver) {
    try {
      await writer.ready;
    } catch {
      // The destination failed: `closed` says why.
      return;
    }
    let step: ReadableStreamReadResult<unknown>;
    try {
      step = await reader.read();
    } catch (cause) {
      if (isOver) return;
      isOver = true;
      observer.onError(cause);
      writer.abort(cause).catch(ignore);
      return;
    }
    if (isOver) return;
    if (step.done) {
      isOver = true;
      observer.onDone();
      writer.close().catch(ignore);
      return;
    }
    observer.onChunk?.(step.value);
    writer.write(step.value).catch(ignore);
  }
}

/** A stream that hands on another's chunks one by one, each when it is asked for. */
function relayStream(stream: ReadableStream, observer: StreamObserver): ReadableStream {
  const reader = readerOf(stream);
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            observer.onDone();
            controller.close();
            return;
          }
          observer.onChunk?.(value);
          controller.enqueue(value);
        } catch (cause) {
          observer.onError(cause);
          controller.error(cause);
        }
      },
      cancel(reason) {
        observer.onCancel(reason);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

// Its other end has been told already.
function ignore(): void {}
