const contextLines = 3;

type Line = readonly [mark: " " | "-" | "+", text: string];

/** The difference of two texts as a unified diff; empty where there is none. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return "";
  const lines = diffLines(before.split("\n"), after.split("\n"));
  const near = lines.map((_, index) =>
    lines
      .slice(Math.max(0, index - contextLines), index + contextLines + 1)
      .some(([mark]) => mark !== " "),
  );
  const output = [`--- ${path}`, `+++ ${path}`];
  let oldLine = 1;
  let newLine = 1;
  for (let index = 0; index < lines.length; index += 1) {
    const [mark, text] = lines[index] as Line;
    if (near[index] === true) {
      if (near[index - 1] !== true) {
        const end = near.indexOf(false, index);
        const hunk = lines.slice(index, end === -1 ? undefined : end);
        const count = (other: string) => hunk.filter(([own]) => own !== other).length;
        output.push(`@@ -${oldLine},${count("+")} +${newLine},${count("-")} @@`);
      }
      output.push(mark + text.replace(/\r$/, ""));
    }
    if (mark !== "+") oldLine += 1;
    if (mark !== "-") newLine += 1;
  }
  return `${output.join("\n")}\n`;
}

/** The lines of both, those of the longest common subsequence once. */
function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  const common = before.map(() => new Uint32Array(after.length + 1));
  common.push(new Uint32Array(after.length + 1));
  const at = (row: number, column: number) => common[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      (common[row] as Uint32Array)[column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length || column < after.length) {
    if (row < before.length && column < after.length && before[row] === after[column]) {
      lines.push([" ", before[row] as string]);
      row += 1;
      column += 1;
    } else if (
      column >= after.length ||
      (row < before.length && at(row + 1, column) >= at(row, column + 1))
    ) {
      lines.push(["-", before[row] as string]);
      row += 1;
    } else {
      lines.push(["+", after[column] as string]);
      column += 1;
    }
  }
  return lines;
}
