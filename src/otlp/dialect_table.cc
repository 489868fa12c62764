#include "otlp/dialect_table.h"

#include <array>
#include <cstddef>

#include "base/wire.h"

namespace isotel::otlp {
namespace {

using enum Dialect;
using enum DialectRule;

// The letters of dialects.def.
constexpr uint8_t O = 1, C = 2, T = 4, A = 8, E = 16, R = 32, G = 64, X = 0xFF, N = X & ~O;
constexpr uint8_t kNoOperation = 128;
constexpr size_t kDialects = 5;
constexpr size_t kKindColumns = 4;

struct SourceRow {
  Dialect dialect;
  DialectRule rule;
  uint8_t spans;
  std::string_view from;
  std::string_view to;
  std::string_view detail;
};

constexpr SourceRow kSourceRows[] = {
#define ISOTEL_OPERATION_KIND(operation, spans, ...)
#define ISOTEL_DIALECT_ROW(dialect, spans, from, rule, to, detail) {dialect, rule, spans, from, to, detail},
#include "otlp/dialects.def"
#undef ISOTEL_DIALECT_ROW
#undef ISOTEL_OPERATION_KIND
};

struct SourceOperation {
  uint8_t spans;
  std::string_view operation;
  std::string_view kinds[kKindColumns];
};

constexpr SourceOperation kSourceOperations[] = {
#define ISOTEL_OPERATION_KIND(operation, spans, ...) {spans, operation, {__VA_ARGS__}},
#define ISOTEL_DIALECT_ROW(dialect, spans, from, rule, to, detail)
#include "otlp/dialects.def"
#undef ISOTEL_DIALECT_ROW
#undef ISOTEL_OPERATION_KIND
};

struct Operation {
  uint8_t spans;
  DialectText operation;
  DialectText kinds[kKindColumns];
};

// Are no constant expressions, so that the compiler refuses the row.
void TooLong() {}
void RenamedTwice() {}

// Texts, each after its size in one byte. The empty text is at 0.
struct Pool {
  std::array<char, 8192> bytes{};
  size_t size = 1;

  constexpr DialectText Add(std::string_view text) {
    size_t at = 0;
    while (at < size && !Has(at, text)) at += 1U + static_cast<uint8_t>(bytes[at]);
    if (at < size) return static_cast<DialectText>(at);
    if (text.size() > kMaxDialectTextBytes) TooLong();
    bytes[size++] = static_cast<char>(text.size());
    for (const char c : text) bytes[size++] = c;
    return static_cast<DialectText>(at);
  }
  // Adds the name of a member as it stands in JSON.
  constexpr DialectText AddName(std::string_view name) {
    std::array<char, kMaxDialectTextBytes> json{'"'};
    size_t end = 1;
    for (const char c : name) json[end++] = c;
    json[end++] = '"';
    json[end++] = ':';
    return Add({json.data(), end});
  }

 private:
  [[nodiscard]] constexpr bool Has(size_t at, std::string_view text) const {
    if (static_cast<uint8_t>(bytes[at]) != text.size()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      if (bytes[at + 1 + i] != text[i]) return false;
    }
    return true;
  }
};

constexpr size_t kRowCount = std::size(kSourceRows);

// Columns rather than rows, because they are smaller after compression.
struct Columns {
  std::array<DialectRule, kRowCount> rule{};
  std::array<uint8_t, kRowCount> spans{};
  std::array<DialectText, kRowCount> from{};
  std::array<DialectText, kRowCount> to{};
  std::array<DialectText, kRowCount> detail{};
};

struct Table {
  Pool pool;
  Columns columns;
  // For each dialect, the row behind its last one.
  std::array<uint8_t, kDialects + 1> end{};
  std::array<Operation, std::size(kSourceOperations)> operations{};
};

constexpr bool IsMember(DialectRule rule) { return rule == kMember || rule == kRest; }

constexpr Table Build() {
  Table table;
  size_t at = 0;
  for (const SourceRow& row : kSourceRows) {
    // A span would have the attribute twice.
    const bool is_same = at > 0 && kSourceRows[at - 1].dialect == row.dialect && kSourceRows[at - 1].to == row.to;
    if (is_same && (row.rule == kRename || kSourceRows[at - 1].rule == kRename)) RenamedTwice();
    table.columns.rule[at] = row.rule;
    table.columns.spans[at] = row.spans;
    table.columns.from[at] = table.pool.Add(row.from);
    table.columns.to[at] = table.pool.Add(row.to);
    table.columns.detail[at] = IsMember(row.rule) ? table.pool.AddName(row.detail) : table.pool.Add(row.detail);
    table.end[static_cast<size_t>(row.dialect)] = static_cast<uint8_t>(++at);
  }
  at = 0;
  for (const SourceOperation& source : kSourceOperations) {
    Operation& operation = table.operations[at++];
    operation = {source.spans, table.pool.Add(source.operation), {}};
    for (size_t i = 0; i < kKindColumns; ++i) operation.kinds[i] = table.pool.Add(source.kinds[i]);
  }
  return table;
}

// Only its parts are in the module.
constexpr Table kTable = Build();
constexpr Columns kColumns = kTable.columns;
constexpr auto kEnd = kTable.end;
constexpr auto kOperations = kTable.operations;
constexpr auto kPool = [] {
  std::array<char, kTable.pool.size> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = kTable.pool.bytes[i];
  return bytes;
}();

static_assert(kRowCount < 256);

}  // namespace

DialectRows RowsOf(Dialect dialect) {
  const auto number = static_cast<size_t>(dialect);
  return {kEnd[number - 1], kEnd[number]};
}

DialectRow RowAt(uint32_t row) {
  return {kColumns.rule[row], kColumns.spans[row], kColumns.from[row], kColumns.to[row], kColumns.detail[row]};
}

std::string_view TextAt(DialectText place) { return {kPool.data() + place + 1, static_cast<uint8_t>(kPool[place])}; }

DialectOperation OperationOf(std::string_view operation, Dialect dialect) {
  const size_t column = static_cast<size_t>(dialect) - 1;
  for (const Operation& row : kOperations) {
    if (!SameBytes(TextAt(row.operation), operation)) continue;
    return {row.spans, column < kKindColumns ? TextAt(row.kinds[column]) : std::string_view()};
  }
  return {kNoOperation, {}};
}

}  // namespace isotel::otlp
