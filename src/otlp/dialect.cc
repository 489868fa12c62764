#include "otlp/dialect.h"

#include "base/json_reader.h"
#include "base/json_text.h"
#include "base/number_text.h"
#include "otlp/message_attributes.h"

namespace isotel::otlp {

enum class DialectRule : uint8_t {
  kRename,
  kCopy,
  kKind,
  kPrefix,
  kConstant,
  kMime,
  kSum,
  kMember,
  kJsonMember,
  kRest,
  kFirst,
  kTime,
  kSystem,
  kMessages,
  kTools,
};

struct DialectRow {
  Dialect dialect;
  DialectRule rule;
  uint16_t spans;
  std::string_view from;
  std::string_view to;
  std::string_view detail;
};

namespace {

using enum Dialect;
using enum DialectRule;

// The letters of dialects.def.
constexpr uint16_t O = 1, C = 2, T = 4, A = 8, E = 16, R = 32, G = 64, X = 0xFFFF;
constexpr uint16_t kNoOperation = 128;

constexpr DialectRow kRows[] = {
#define ISOTEL_OPERATION_KIND(operation, spans, openinference, langfuse, langsmith, braintrust)
#define ISOTEL_DIALECT_ROW(dialect, spans, from, rule, to, detail) {dialect, rule, spans, from, to, detail},
#include "otlp/dialects.def"
#undef ISOTEL_DIALECT_ROW
#undef ISOTEL_OPERATION_KIND
};

struct OperationKind {
  std::string_view operation;
  uint16_t spans;
  std::string_view kinds[4];
};

constexpr OperationKind kKinds[] = {
#define ISOTEL_OPERATION_KIND(operation, spans, ...) {operation, spans, {__VA_ARGS__}},
#define ISOTEL_DIALECT_ROW(dialect, spans, from, rule, to, detail)
#include "otlp/dialects.def"
#undef ISOTEL_DIALECT_ROW
#undef ISOTEL_OPERATION_KIND
};

constexpr std::string_view kOperationKey = "gen_ai.operation.name";
constexpr std::string_view kCostKey = "cloudflare.agents.usage.cost.amount";
constexpr std::string_view kCurrencyKey = "cloudflare.agents.usage.cost.currency";

constexpr Captured kNothing;

bool IsText(const Captured& value) { return value.kind == ValueKind::kText; }

double NumberOf(const Captured& value) {
  return value.kind == ValueKind::kDouble ? value.number : static_cast<double>(value.integer);
}
bool IsNumber(const Captured& value) { return value.kind == ValueKind::kInt64 || value.kind == ValueKind::kDouble; }

void Copy(std::string_view key, const Captured& value, AttributeWriter& out) {
  switch (value.kind) {
    case ValueKind::kText:
      return out.Text(key, value.text);
    case ValueKind::kInt64:
      return out.Int(key, value.integer);
    case ValueKind::kDouble:
      return out.Double(key, value.number);
    case ValueKind::kFalse:
    case ValueKind::kTrue:
      return out.Bool(key, value.kind == ValueKind::kTrue);
    default:
      return;
  }
}

void AddNumber(const Captured& value, double less, ByteWriter& json) {
  char* const at = json.Reserve(kMaxNumberBytes);
  char* end = at;
  if (value.kind == ValueKind::kInt64 && less == 0) {
    end = WriteInt(value.integer, at);
  } else {
    const double rest = NumberOf(value) - less;
    end = WriteDouble(rest > 0 || less == 0 ? rest : 0, NumberStyle::kShort, at);
  }
  json.Advance(static_cast<size_t>(end - at));
}

// Writes `digits` decimal digits of `value` to `out` and moves it.
void Digits(uint64_t value, int digits, char*& out) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  out += digits;
}

// Writes a time as ISO 8601 in milliseconds. The days are those of https://howardhinnant.github.io/date_algorithms.html.
std::string_view IsoTime(uint64_t unix_nano, char (&text)[24]) {
  const uint64_t unix_ms = unix_nano / 1'000'000;
  const uint64_t of_day = unix_ms % 86'400'000;
  const uint64_t days = unix_ms / 86'400'000 + 719'468;
  const uint64_t era = days / 146'097;
  const uint64_t day_of_era = days % 146'097;
  const uint64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint64_t shifted = (5 * day_of_year + 2) / 153;
  const uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  char* at = text;
  Digits(year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4, at);
  *at++ = '-';
  Digits(month, 2, at);
  *at++ = '-';
  Digits(day_of_year - (153 * shifted + 2) / 5 + 1, 2, at);
  *at++ = 'T';
  Digits(of_day / 3'600'000, 2, at);
  *at++ = ':';
  Digits(of_day / 60'000 % 60, 2, at);
  *at++ = ':';
  Digits(of_day / 1'000 % 60, 2, at);
  *at++ = '.';
  Digits(of_day % 1'000, 3, at);
  *at++ = 'Z';
  return {text, sizeof text};
}

// Returns the first text of a list. `scratch` is for one with escapes.
std::string_view FirstText(const Captured& value, ByteWriter& scratch) {
  if (!IsText(value) || !IsJson(value.text)) return value.text;
  JsonItems items(JsonValue(value.text));
  if (!JsonValue(value.text).starts_with('[')) return value.text;
  return items.Next() && IsJsonString(items.value()) ? JsonCharacters(items.value(), scratch) : std::string_view();
}

bool IsObject(DialectRule rule) { return rule == kMember || rule == kJsonMember || rule == kRest; }

}  // namespace

DialectMapper::DialectMapper(Dialect dialect, const std::vector<std::string_view>& names, std::vector<Key>& keys) {
  // Keys point into it.
  captured_.reserve(names.size() + 1);
  operation_ = CapturedOf(kOperationKey, names, keys);
  currency_ = CapturedOf(kCurrencyKey, names, keys);
  if (operation_ == nullptr) operation_ = &kNothing;
  if (currency_ == nullptr) currency_ = &kNothing;
  for (const DialectRow& row : kRows) {
    if (row.dialect != dialect) continue;
    uint32_t key = 0;
    while (key < names.size() && names[key] != row.from) ++key;
    const bool is_known = key < names.size();
    // A sum needs all of its rows.
    if (!is_known && row.rule != kSum) continue;
    const Captured* const target = CapturedOf(row.to, names, keys);
    if (row.rule == kRename && target == nullptr) {
      renames_.push_back({key, row.to});
    } else {
      used_.push_back({&row, is_known ? CapturedOf(row.from, names, keys) : &kNothing, target});
    }
  }
}

// Returns where the values of a key are kept, or null if the batch does not have the key.
Captured* DialectMapper::CapturedOf(std::string_view name, const std::vector<std::string_view>& names,
                                    std::vector<Key>& keys) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    if (keys[i].captured == nullptr) keys[i].captured = &captured_.emplace_back();
    return keys[i].captured;
  }
  return nullptr;
}

void DialectMapper::Begin() {
  for (Captured& value : captured_) value.kind = ValueKind::kNone;
}

void DialectMapper::Finish(uint64_t start_unix_nano, AttributeWriter& out) {
  uint32_t spans = kNoOperation;
  std::string_view kind;
  if (IsText(*operation_)) {
    for (const OperationKind& row : kKinds) {
      if (row.operation != operation_->text) continue;
      spans = row.spans;
      const auto dialect = used_.empty() ? kNone : used_.front().row->dialect;
      const auto column = static_cast<uint32_t>(dialect) - 1;
      if (column < std::size(row.kinds)) kind = row.kinds[column];
    }
  }
  const Used* const end = used_.data() + used_.size();
  for (const Used* at = used_.data(); at != end;) {
    const Used* next = at + 1;
    while (next != end && next->row->to == at->row->to) ++next;
    const bool is_taken = at->target != nullptr && at->target->kind != ValueKind::kNone;
    if (!is_taken) Group(at, next, spans, kind, start_unix_nano, out);
    at = next;
  }
}

void DialectMapper::Group(const Used* used, const Used* end, uint32_t spans, std::string_view kind,
                          uint64_t start_unix_nano, AttributeWriter& out) {
  uint32_t messages = 0;
  double sum = 0;
  for (; used != end; ++used) {
    const DialectRow& row = *used->row;
    const Captured& value = *used->from;
    if (row.rule == kSum) {
      if (!IsNumber(value)) return;
      sum += NumberOf(value);
      if (used + 1 == end) out.Int(out.Encoded(row.to), static_cast<int64_t>(sum));
      continue;
    }
    if ((row.spans & spans) == 0 || value.kind == ValueKind::kNone) continue;
    // Costs in another currency would be read as US dollars.
    if (row.from == kCostKey && IsText(*currency_) && currency_->text != "USD") continue;
    if (IsObject(row.rule)) return Object(used, end, spans, out);
    if (row.rule == kRename || row.rule == kCopy) return Copy(out.Encoded(row.to), value, out);
    if (row.rule == kConstant) return out.Text(out.Encoded(row.to), row.detail);
    if (row.rule == kTime) {
      char text[24];
      constexpr double kMostSeconds = 1e9;
      const double seconds = NumberOf(value);
      if (!IsNumber(value) || !(seconds >= 0 && seconds < kMostSeconds)) return;
      return out.Text(out.Encoded(row.to), IsoTime(start_unix_nano + static_cast<uint64_t>(seconds * 1e9), text));
    }
    if (row.rule == kFirst) {
      const std::string_view text = FirstText(value, scratch_);
      if (!text.empty()) out.Text(out.Encoded(row.to), text);
      return;
    }
    if (!IsText(value)) continue;
    switch (row.rule) {
      case kKind:
        if (!kind.empty()) out.Text(out.Encoded(row.to), kind);
        return;
      case kPrefix:
        scratch_.Clear();
        scratch_.Raw(row.detail);
        scratch_.Raw(value.text);
        return out.Text(out.Encoded(row.to), scratch_.view());
      case kMime:
        return out.Text(out.Encoded(row.to), IsJson(value.text) ? "application/json" : "text/plain");
      case kSystem:
        messages = WriteInstructions(row.to, value.text, out);
        break;
      case kMessages:
        return WriteMessages(row.to, value.text, messages, out);
      default:
        return WriteTools(row.to, value.text, out);
    }
  }
}

// Writes the members of a JSON object.
void DialectMapper::Object(const Used* used, const Used* end, uint32_t spans, AttributeWriter& out) {
  const std::string_view to = used->row->to;
  ByteWriter& json = scratch_;
  json.Clear();
  for (; used != end; ++used) {
    const DialectRow& row = *used->row;
    const Captured& value = *used->from;
    if ((row.spans & spans) == 0 || !IsObject(row.rule)) continue;
    const bool is_finite = NumberOf(value) - NumberOf(value) == 0;
    if (!IsText(value) && !(IsNumber(value) && is_finite)) continue;
    double less = 0;
    if (row.rule == kRest) {
      for (const Used* part = used + 1; part != end && part->row->rule != kRest; ++part) {
        if (IsNumber(*part->from)) less += NumberOf(*part->from);
      }
    }
    json.Raw(json.size() == 0 ? "{\"" : ",\"");
    json.Raw(row.detail);
    json.Raw("\":");
    if (!IsText(value)) {
      AddNumber(value, less, json);
    } else if (row.rule == kJsonMember && IsJson(value.text)) {
      json.Raw(value.text);
    } else {
      WriteQuoted(value.text, json);
    }
  }
  if (json.size() == 0) return;
  json.Byte('}');
  out.Text(out.Encoded(to), json.view());
}

}  // namespace isotel::otlp
