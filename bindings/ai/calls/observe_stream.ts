import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";

/** Receives the events of a stream. Every method may be called more than once. */
export interface StreamObserver {
  /** A consumer begins to read. */
  onStart?(): void;
  /** Called with each chunk before the consumer gets it. */
  onChunk?(chunk: unknown): void;
  onDone(): void;
  /** The stream failed. */
  onError(cause: unknown): void;
  /** The consumer cancelled the stream. */
  onCancel(reason: unknown): void;
}

const { prototype } = ReadableStream;

/** The observation of one stream: the state of its consumption, and the observer. No method throws. */
class Observation {
  isPiped = false;
  relay: ReadableStream | undefined;
  readonly #observer: StreamObserver;

  constructor(observer: StreamObserver) {
    this.#observer = observer;
  }

  relayOf(stream: ReadableStream): ReadableStream {
    if (this.relay === undefined) {
      this.relay = relay(stream, this);
      this.onStart();
    }
    return this.relay;
  }

  onStart(): void {
    try {
      this.#observer.onStart?.();
    } catch (failure) {
      reportLost(failure);
    }
  }

  onChunk(chunk: unknown): void {
    try {
      this.#observer.onChunk?.(chunk);
    } catch (failure) {
      reportLost(failure);
    }
  }

  onDone(): void {
    try {
      this.#observer.onDone();
    } catch (failure) {
      reportLost(failure);
    }
  }

  onError(cause: unknown): void {
    try {
      this.#observer.onError(cause);
    } catch (failure) {
      reportLost(failure);
    }
  }

  onCancel(reason: unknown): void {
    try {
      this.#observer.onCancel(reason);
    } catch (failure) {
      reportLost(failure);
    }
  }
}

/** An error of an observer affects the observation only. The stream continues. */
function reportLost(failure: unknown): void {
  reportOnce(`isotel: a stream was not observed to its end (${errorType(failure)}).`);
}

class Same {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: what derives from this adds private members to the object.
    return object;
  }
}

/** Attaches the observation to the stream as a private member. It is invisible to user code and cheap to add. */
class Observed extends Same {
  readonly #observation: Observation;

  constructor(stream: ReadableStream, observation: Observation) {
    super(stream);
    this.#observation = observation;
  }

  static observationOf(stream: object): Observation {
    return (stream as Observed).#observation;
  }
}

const { observationOf } = Observed;

/**
 * The methods of an observed stream. All streams share this object, because defining the methods on each stream is
 * expensive.
 */
const observedMethods = {
  pipeThrough(this: ReadableStream, transform: unknown, options: unknown): unknown {
    const observation = observationOf(this);
    // A piped stream rejects a second pipe exactly as an unobserved stream does.
    if (observation.isPiped)
      return prototype.pipeThrough.call(this, transform as ReadableWritablePair);
    if (observation.relay !== undefined || options !== undefined || !isTransform(transform)) {
      const relayed = observation.relayOf(this);
      return relayed.pipeThrough(transform as ReadableWritablePair, options as StreamPipeOptions);
    }
    const { readable, writable } = transform;
    observation.isPiped = true;
    observation.onStart();
    pipe(this, writable, observation);
    return readable;
  },
  pipeTo(this: ReadableStream, ...args: Parameters<ReadableStream["pipeTo"]>): Promise<void> {
    if (observationOf(this).isPiped) return prototype.pipeTo.apply(this, args);
    return observationOf(this)
      .relayOf(this)
      .pipeTo(...args);
  },
  get locked(): boolean {
    const stream = this as unknown as ReadableStream;
    return observationOf(stream).relay?.locked ?? lockedOf(stream);
  },
  tee(this: ReadableStream): unknown {
    return observationOf(this).relayOf(this).tee();
  },
  getReader(this: ReadableStream, ...args: Parameters<ReadableStream["getReader"]>): unknown {
    return observationOf(this)
      .relayOf(this)
      .getReader(...args);
  },
  values(this: ReadableStream, ...args: Parameters<ReadableStream["values"]>): unknown {
    return observationOf(this)
      .relayOf(this)
      .values(...args);
  },
  [Symbol.asyncIterator](this: ReadableStream): unknown {
    return observationOf(this).relayOf(this)[Symbol.asyncIterator]();
  },
  cancel(this: ReadableStream, reason: unknown): Promise<void> {
    const observation = observationOf(this);
    if (observation.relay !== undefined) return observation.relay.cancel(reason);
    if (!observation.isPiped) observation.onCancel(reason);
    return prototype.cancel.call(this, reason);
  },
};

const observedPrototypes = new WeakMap<object, object>();

/** Returns a prototype with the observed methods that inherits from the stream's class. */
function observedPrototypeOf(base: object): object {
  const known = observedPrototypes.get(base);
  if (known !== undefined) return known;
  const methods = Object.getOwnPropertyDescriptors(observedMethods);
  for (const descriptor of Object.values(methods)) descriptor.enumerable = false;
  const observed = Object.create(base, methods) as object;
  observedPrototypes.set(base, observed);
  return observed;
}

/**
 * Observes a stream in place. The object, its chunks, their order and the time of each chunk do not change.
 *
 * The SDK pipes its streams. `pipeThrough` therefore observes by doing the work of the pipe (WHATWG Streams,
 * ReadableStreamPipeTo) instead of inserting a stream. All other ways to consume it use a relay that pulls only when it
 * is pulled.
 *
 * @returns False if the stream cannot be observed: it is locked, or its methods cannot be replaced.
 */
export function observeStream(stream: ReadableStream, observer: StreamObserver): boolean {
  if (stream.locked || !Object.isExtensible(stream)) return false;
  new Observed(stream, new Observation(observer));
  Object.setPrototypeOf(stream, observedPrototypeOf(Object.getPrototypeOf(stream) as object));
  return true;
}

// The property `locked` of the stream reports its relay.
function lockedOf(stream: ReadableStream): boolean {
  return Reflect.get(prototype, "locked", stream) as boolean;
}

// `getReader` of the stream is replaced by the one for consumers.
function readerOf(stream: ReadableStream): ReadableStreamDefaultReader<unknown> {
  const getReader = prototype.getReader as (this: ReadableStream) => unknown;
  return getReader.call(stream) as ReadableStreamDefaultReader<unknown>;
}

function isTransform(value: unknown): value is ReadableWritablePair {
  if (typeof value !== "object" || value === null) return false;
  const { readable, writable } = value as Partial<ReadableWritablePair>;
  return (
    readable instanceof ReadableStream && writable instanceof WritableStream && !writable.locked
  );
}

/**
 * ReadableStreamPipeTo with an observer. The pipe of the runtime reports a cancellation only after it has cancelled the
 * source. A branch of a tee is not cancelled before its twin is.
 */
function pipe(stream: ReadableStream, writable: WritableStream, observer: Observation): void {
  const reader = readerOf(stream);
  const writer = writable.getWriter();
  let isOver = false;
  let takesOne = true;
  // Uses callbacks, because an async function would take a third longer for each chunk.
  const read = () => {
    if (!isOver) reader.read().then(pass, fail);
  };
  const pass = ({ done, value }: ReadableStreamReadResult<unknown>) => {
    if (isOver) return;
    if (done) {
      isOver = true;
      observer.onDone();
      writer.close().catch(ignore);
      return;
    }
    observer.onChunk(value);
    const written = writer.write(value);
    // A destination that is full after one chunk has room again when that chunk is written. No promise for `ready` is
    // needed.
    takesOne &&= !hasRoom(writer);
    if (takesOne) {
      written.then(read, ignore);
      return;
    }
    written.catch(ignore);
    writer.ready.then(read, ignore);
  };
  const fail = (cause: unknown) => {
    if (isOver) return;
    isOver = true;
    observer.onError(cause);
    writer.abort(cause).catch(ignore);
  };
  writer.closed.catch((reason: unknown) => {
    if (isOver) return;
    isOver = true;
    observer.onCancel(reason);
    reader.cancel(reason).catch(ignore);
  });
  writer.ready.then(read, ignore);
}

function hasRoom({ desiredSize }: WritableStreamDefaultWriter): boolean {
  return desiredSize !== null && desiredSize > 0;
}

/** Returns a stream that passes on the chunks of another one. Reads each chunk when it is pulled. */
export function relayStream(stream: ReadableStream, observer: StreamObserver): ReadableStream {
  return relay(stream, new Observation(observer));
}

function relay(stream: ReadableStream, observer: Observation): ReadableStream {
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

// The other end has already been notified.
function ignore(): void {}
