import { Operation } from "../core/abi.gen.ts";
import { currentScope } from "../trace/invocation_scope.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { startSpan } from "../trace/tracer.ts";
import { agentName, type Params } from "./identity.ts";
import {
  type ExecuteEvent,
  failWithEvent,
  markedAsOurs,
  runModelEvent,
  runObserved,
  runToolEvent,
} from "./integration.ts";
import { openCalls } from "./integration_calls.ts";
import { AIOperation } from "./operation.ts";
import type { Settings } from "./options.ts";
import { record, text } from "./read.ts";
