import type { AIOperation } from "../calls/operation.ts";
import { runToolCall, type ToolRequest } from "../calls/tool_call.ts";
import { record, text } from "../read.ts";
import type { ExecuteEvent } from "./integration.ts";

interface Waiting {
  readonly toolCallId: string | undefined;
  readonly end: (result: unknown) => void;
}

/** Keeps tool spans open until the SDK tells of the tool's result, which its hook around the tool does not return. */
export class ToolEnds {
  // In the order in which the tools settled, which is the order in which the SDK tells of them: ids may repeat.
  readonly #waiting = new Set<Waiting>();

  /** Runs a tool; the SDK gets what `event.execute` gives, when it gives it. */
  run(operation: AIOperation, request: ToolRequest, event: ExecuteEvent): PromiseLike<unknown> {
    let returned: PromiseLike<unknown> | undefined;
    let result: unknown;
    const observed = runToolCall(operation, { ...request, result: () => result }, () => {
      returned = event.execute();
      return returned
        .then(() => this.#end(request))
        .then((value) => {
          result = value;
        });
    });
    observed.then(undefined, ignore);
    return returned ?? observed;
  }

  /** A tool has ended. */
  ended(event: unknown): void {
    const source = record(event);
    const toolCallId = text(record(source?.["toolCall"])?.["toolCallId"]);
    for (const waiting of this.#waiting) {
      if (waiting.toolCallId !== toolCallId) continue;
      this.#waiting.delete(waiting);
      waiting.end(record(source?.["toolOutput"])?.["output"]);
      return;
    }
  }

  #end({ toolCallId }: ToolRequest): Promise<unknown> {
    return new Promise((end) => {
      this.#waiting.add({ toolCallId, end });
    });
  }
}

// The caller gets the tool's own promise.
function ignore(): void {}
