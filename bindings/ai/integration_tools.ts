import type { ExecuteEvent } from "./integration.ts";
import type { AIOperation } from "./operation.ts";
import { record } from "./read.ts";
import { runToolCall, type ToolRequest } from "./tool_call.ts";

interface Waiting {
  readonly toolCall: unknown;
  readonly toolCallId: string | undefined;
  readonly end: (result: unknown) => void;
}

/** Keeps tool spans open until the SDK tells of the tool's result, which its hook around the tool does not return. */
export class ToolEnds {
  readonly #waiting = new Set<Waiting>();

  /** Runs a tool; the SDK gets what `event.execute` gives, when it gives it. */
  run(operation: AIOperation, request: ToolRequest, event: ExecuteEvent): PromiseLike<unknown> {
    let returned: PromiseLike<unknown> | undefined;
    let result: unknown;
    const span = runToolCall(operation, { ...request, result: () => result }, () => {
      returned = event.execute();
      return returned.then(() => this.#end(request, event)).then((value) => {
        result = value;
      });
    });
    span.then(undefined, ignore);
    return returned ?? span;
  }

  /** A tool has ended. Ids of calls that run at once may be the same, their objects are not. */
  ended(event: unknown): void {
    const source = record(event);
    const toolCall = source?.["toolCall"];
    const toolCallId = record(toolCall)?.["toolCallId"];
    const waiting = [...this.#waiting];
    const found =
      waiting.find((candidate) => candidate.toolCall === toolCall) ??
      waiting.find((candidate) => candidate.toolCallId === toolCallId);
    if (found === undefined) return;
    this.#waiting.delete(found);
    found.end(record(source?.["toolOutput"])?.["output"]);
  }

  #end(request: ToolRequest, event: ExecuteEvent): Promise<unknown> {
    return new Promise((end) => {
      this.#waiting.add({ toolCall: event["toolCall"], toolCallId: request.toolCallId, end });
    });
  }
}

// The caller gets the tool's own promise.
function ignore(): void {}
