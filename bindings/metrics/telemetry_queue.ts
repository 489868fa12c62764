/** Characters in the name of a queue, at most. */
export const maxQueueName = 63;
const suffix = "-dlq";
/** What `isotel init` of earlier versions wrote. */
const formerSuffix = "-dead";

/** The name of a queue's dead letter queue, by which `isotel init` creates it and a Worker recognises it. */
export function deadLetterQueueOf(queue: string): string {
  return withSuffix(queue, suffix);
}

/** Whether a queue is the telemetry queue `queue` or its dead letter queue, under the present or the former suffix. */
export function isTelemetryQueue(name: string, queue: string): boolean {
  return [queue, withSuffix(queue, suffix), withSuffix(queue, formerSuffix)].includes(name);
}

function withSuffix(queue: string, end: string): string {
  return queue.slice(0, maxQueueName - end.length) + end;
}
