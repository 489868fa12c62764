/** What went wrong, in one line that says what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** 1 where something failed, 2 where the command cannot be understood or lacks what it needs. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message.replace(/\s+/g, " "));
    this.exitCode = exitCode;
  }
}

/** An error of how the command was called. */
export function usageError(message: string): CliError {
  return new CliError(message, 2);
}
