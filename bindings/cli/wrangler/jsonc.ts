import * as jsonc from "jsonc-parser";

// Node takes the package's CommonJS, which is a default export to it; a bundler takes its modules.
const { createScanner, findNodeAtLocation, parse, parseTree, printParseErrorCode } =
  (jsonc as { readonly default?: typeof jsonc }).default ?? jsonc;

export type { Node, ParseError } from "jsonc-parser";
export { createScanner, findNodeAtLocation, parse, parseTree, printParseErrorCode };

/** Kinds of tokens, of which the package has only types. */
export const Token = { comma: 5, lineBreak: 14, space: 15, end: 17 } as const;
