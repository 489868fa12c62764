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
export function observeStream(stream: ReadableStream, observed: StreamObserver): boolean {
  if (stream.locked || !Object.isExtensible(stream)) return false;
  const observer = guarded(observed);
  let relay: ReadableStream | undefined;
  let isPiped = false;
  const relayed = () => {
    if (relay === undefined) {
      relay = relayStream(stream, observer);
      observer.onStart();
    }
    return relay;
  };
  define(stream, "pipeThrough", (transform: unknown, options: unknown) => {
    // What is piped already refuses as it would unobserved.
    if (isPiped) return prototype.pipeThrough.call(stream, transform as ReadableWritablePair);
    if (relay !== undefined || options !== undefined || !isTransform(transform)) {
      return relayed().pipeThrough(transform as ReadableWritablePair, options as StreamPipeOptions);
    }
    const { readable, writable } = transform;
    isPiped = true;
    observer.onStart();
    void pipe(stream, writable, observer);
    return readable;
  });
  define(stream, "pipeTo", (...args: Parameters<ReadableStream["pipeTo"]>) =>
    isPiped ? prototype.pipeTo.apply(stream, args) : relayed().pipeTo(...args),
  );
  Object.defineProperty(stream, "locked", {
    get: () => relay?.locked ?? lockedOf(stream),
    configurable: true,
  });
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
    if (!isPiped) observer.onCancel(reason);
    return prototype.cancel.call(stream, reason);
  });
  return true;
}

/** An observer none of whose methods throws: the stream is not its own. */
function guarded(observer: StreamObserver): Required<StreamObserver> {
  const guard =
    <T>(tell: ((what: T) => void) | undefined) =>
    (what: T) => {
      try {
        tell?.call(observer, what);
      } catch {
        // What it could not take in is lost to it alone.
      }
    };
  const { onStart, onChunk, onDone, onError, onCancel } = observer;
  return {
    onStart: () => guard<void>(onStart)(),
    onChunk: guard(onChunk),
    onDone: () => guard<void>(onDone)(),
    onError: guard(onError),
    onCancel: guard(onCancel),
  };
}

// The stream's own property tells of its relay.
function lockedOf(stream: ReadableStream): boolean {
  return Reflect.get(prototype, "locked", stream) as boolean;
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
export function relayStream(stream: ReadableStream, observed: StreamObserver): ReadableStream {
  const observer = guarded(observed);
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
          observer.onChunk(value);
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
