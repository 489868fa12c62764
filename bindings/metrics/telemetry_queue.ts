/** Limit of characters in the name of a queue. */
export const maxQueueName = 63;
const suffix = "-dlq";
/** The suffix that earlier versions of `isotel init` used. */
const formerSuffix = "-dead";

/**
 * Returns the name of a queue's dead letter queue. `isotel init` creates it, and a Worker recognizes it, by this name.
 */
export function deadLetterQueueOf(queue: string): string {
  return withSuffix(queue, suffix);
}

/** Whether `name` is the telemetry queue or its dead letter queue, with the current or the former suffix. */
export function isTelemetryQueue(name: string, queue: string): boolean {
  return [queue, withSuffix(queue, suffix), withSuffix(queue, formerSuffix)].includes(name);
}

function withSuffix(queue: string, end: string): string {
  return queue.slice(0, maxQueueName - end.length) + end;
}
