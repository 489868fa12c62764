import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { agentsViolations } from "./support/agents.ts";
import { latestViolations } from "./support/latest.ts";
import type { SeenSpan, Value } from "./support/spans.ts";

const ours = {
  "cloudflare.agents.integration.name": "ai-sdk",
  "cloudflare.agents.operation.name": "doGenerate",
};
const chat: SeenSpan = {
  name: "chat model-1",
  status: "unset",
  attributes: {
    ...ours,
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "model-1",
    "gen_ai.output.type": "text",
  },
};
const checks = { agents: agentsViolations, latest: latestViolations };

interface Fault {
  readonly what: string;
  readonly profiles: readonly (keyof typeof checks)[];
  readonly name?: string;
  readonly status?: string;
  readonly attributes?: Readonly<Record<string, Value | undefined>>;
  readonly finds: RegExp;
}

const both = ["agents", "latest"] as const;

const faults: readonly Fault[] = [
  {
    what: "an unknown key of the conventions' name space",
    profiles: both,
    attributes: { "gen_ai.request.colour": "red" },
    finds: /gen_ai\.request\.colour/,
  },
  {
    what: "a deprecated key",
    profiles: ["latest"],
    attributes: { "gen_ai.usage.cache_creation.input_tokens": 1 },
    finds: /deprecated/,
  },
  {
    what: "a key of the other profile",
    profiles: ["agents"],
    attributes: { "gen_ai.response.finish_reasons": ["stop"] },
    finds: /finish_reasons/,
  },
  {
    what: "a proposed key",
    profiles: ["latest"],
    attributes: { "gen_ai.invocation.is_nested": true },
    finds: /proposed/,
  },
  {
    what: "a key of another kind of span",
    profiles: ["agents"],
    attributes: { "gen_ai.tool.name": "look_up" },
    finds: /gen_ai\.tool\.name/,
  },
  {
    what: "a value of the wrong type",
    profiles: both,
    attributes: { "gen_ai.usage.input_tokens": "7" },
    finds: /input_tokens is "7"/,
  },
  {
    what: "a number that is no integer",
    profiles: ["latest"],
    attributes: { "gen_ai.request.top_k": 0.5 },
    finds: /top_k is 0\.5/,
  },
  {
    what: "a name that is not of the formula",
    profiles: both,
    name: "chat",
    finds: /named "chat"/,
  },
  { what: "a name of nothing known", profiles: both, name: "work", finds: /named "work"/ },
  {
    what: "a missing required key",
    profiles: ["latest"],
    attributes: { "gen_ai.provider.name": undefined },
    finds: /lacks gen_ai\.provider\.name/,
  },
  {
    what: "no operation",
    profiles: both,
    attributes: { "gen_ai.operation.name": undefined },
    finds: /operation/,
  },
  { what: "a failure without error.type", profiles: both, status: "error", finds: /error\.type/ },
  {
    what: "error.type without a failure",
    profiles: ["latest"],
    attributes: { "error.type": "TypeError" },
    finds: /error\.type/,
  },
  {
    what: "both cancelled and failed",
    profiles: ["agents"],
    status: "error",
    attributes: { "error.type": "TypeError", "cloudflare.agents.canceled": true },
    finds: /cancelled/,
  },
  {
    what: "messages of the wrong shape",
    profiles: ["latest"],
    attributes: { "gen_ai.input.messages": '[{"role":"user"}]' },
    finds: /required at \$\[0\]/,
  },
  {
    what: "definitions of tools without a name",
    profiles: ["latest"],
    attributes: { "gen_ai.tool.definitions": '[{"type":"function"}]' },
    finds: /required at \$\[0\]/,
  },
  {
    what: "a server without a port",
    profiles: ["latest"],
    attributes: { "server.address": "example.com" },
    finds: /lacks server\.port/,
  },
  {
    what: "a server, for which it has no name,",
    profiles: ["agents"],
    attributes: { "server.address": "example.com" },
    finds: /server\.address/,
  },
  {
    what: "messages that are no JSON",
    profiles: both,
    attributes: { "gen_ai.output.messages": "[{" },
    finds: /gen_ai\.output\.messages/,
  },
];

describe("the checks of spans", () => {
  for (const profile of both) {
    test(`find nothing wrong with a good span of profile ${profile}`, () => {
      assert.deepEqual(checks[profile](chat), []);
    });
  }

  for (const { what, profiles, finds, attributes, ...changes } of faults) {
    for (const profile of profiles) {
      test(`find ${what} in profile ${profile}`, () => {
        const changed = { ...chat.attributes, ...attributes };
        const kept = Object.entries(changed).filter(([, value]) => value !== undefined);
        const span = { ...chat, ...changes, attributes: Object.fromEntries(kept) } as SeenSpan;
        assert.match(checks[profile](span).join("\n"), finds);
      });
    }
  }
});
