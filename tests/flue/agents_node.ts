// The agents, and what runs them in Node.
export { observe } from "@flue/runtime";
export { start } from "@flue/runtime/node";
export * from "./agents.ts";
