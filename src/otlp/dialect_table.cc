#include "otlp/dialect_table.h"

#include <array>
#include <cstddef>

#include "base/wire.h"

namespace isotel::otlp {
namespace {

using enum Dialect;
using enum DialectRule;

// The letters of dialects.def.
constexpr uint8_t O = 1, C = 2, T = 4, A = 8, E = 16, R = 32, G = 64, X = 0xFF;
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

// Texts, each after its size in one byte. The empty text is at 0.
struct Pool {
  std::array<char, 8192> bytes{};
  size_t size = 1;

  constexpr DialectText Add(std::string_view text) {
    size_t at = 0;
    while (at < size && !Has(at, text)) at += 1U + static_cast<uint8_t>(bytes[at]);
    if (at < size) return static_cast<DialectText>(at);
    bytes[size++] = static_cast<char>(text.size());
    for (const char c : text) bytes[size++] = c;
    return static_cast<DialectText>(at);
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

struct Table {
  Pool pool;
  std::array<DialectRow, std::size(kSourceRows)> rows{};
  // Where the rows of each dialect begin, and the end.
  std::array<uint8_t, kDialects + 1> first{};
  std::array<Operation, std::size(kSourceOperations)> operations{};
};

constexpr Table Build() {
  Table table;
  size_t count = 0;
  for (const SourceRow& row : kSourceRows) {
    table.rows[count++] = {row.rule, row.spans, table.pool.Add(row.from), table.pool.Add(row.to),
                           table.pool.Add(row.detail)};
    table.first[static_cast<size_t>(row.dialect)] = static_cast<uint8_t>(count);
  }
  count = 0;
  for (const SourceOperation& source : kSourceOperations) {
    Operation& operation = table.operations[count++];
    operation = {source.spans, table.pool.Add(source.operation), {}};
    for (size_t i = 0; i < kKindColumns; ++i) operation.kinds[i] = table.pool.Add(source.kinds[i]);
  }
  return table;
}

// Only its parts are in the module.
constexpr Table kTable = Build();
constexpr auto kRows = kTable.rows;
constexpr auto kFirst_ = kTable.first;
constexpr auto kOperations = kTable.operations;
constexpr auto kPool = [] {
  std::array<char, kTable.pool.size> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = kTable.pool.bytes[i];
  return bytes;
}();

static_assert(std::size(kSourceRows) < 256);

}  // namespace

std::span<const DialectRow> RowsOf(Dialect dialect) {
  const auto number = static_cast<size_t>(dialect);
  if (number == 0 || number > kDialects) return {};
  return std::span(kRows).subspan(kFirst_[number - 1], kFirst_[number] - kFirst_[number - 1]);
}

std::string_view TextAt(DialectText place) { return {kPool.data() + place + 1, static_cast<uint8_t>(kPool[place])}; }

DialectOperation OperationOf(std::string_view name, Dialect dialect) {
  const size_t column = static_cast<size_t>(dialect) - 1;
  for (const Operation& operation : kOperations) {
    if (!SameBytes(TextAt(operation.operation), name)) continue;
    return {operation.spans, column < kKindColumns ? TextAt(operation.kinds[column]) : std::string_view()};
  }
  return {kNoOperation, {}};
}

}  // namespace isotel::otlp
