import type { Command } from "./command.ts";
import { decode } from "./commands/decode.ts";
import * as destinations from "./commands/destinations.ts";
import * as gatewayOtel from "./commands/gateway_otel.ts";
import { init } from "./commands/init.ts";
import * as logpush from "./commands/logpush.ts";
import { setup } from "./commands/setup.ts";

/** The commands by their words, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  init,
  setup,
  "destinations list": destinations.listCommand,
  "destinations add": destinations.addCommand,
  "destinations remove": destinations.removeCommand,
  "gateway otel list": gatewayOtel.listCommand,
  "gateway otel add": gatewayOtel.addCommand,
  "gateway otel remove": gatewayOtel.removeCommand,
  "logpush list": logpush.listCommand,
  "logpush plan": logpush.planCommand,
  "logpush apply": logpush.applyCommand,
  decode,
};
