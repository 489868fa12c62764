#include "otlp/dialect.h"

#include <utility>

#include "base/json_reader.h"
#include "base/json_text.h"
#include "base/number_text.h"

namespace isotel::otlp {
namespace {

using enum DialectRule;

constexpr uint32_t kNoKey = UINT32_MAX;
// A key of the table in the form of a sink, with what is around it.
constexpr size_t kMaxEncodedKeyBytes = kMaxDialectTextBytes + 32;

bool IsText(const Captured& value) { return value.kind == ValueKind::kText; }
bool IsNumber(const Captured& value) { return value.kind == ValueKind::kInt64 || value.kind == ValueKind::kDouble; }
double NumberOf(const Captured& value) {
  return value.kind == ValueKind::kDouble ? value.number : static_cast<double>(value.integer);
}
bool IsFinite(double number) { return number - number == 0; }
bool IsMember(DialectRule rule) { return rule == kMember || rule == kRest; }
// Texts are compared by their place in the batch. Lists always differ.
bool IsSame(const Captured& a, const Captured& b) {
  if (a.kind != b.kind || a.kind == ValueKind::kList) return false;
  if (IsText(a)) return a.text.data() == b.text.data() && a.text.size() == b.text.size();
  if (a.kind == ValueKind::kDouble) return a.number == b.number;
  return a.kind != ValueKind::kInt64 || a.integer == b.integer;
}

Captured TextOf(std::string_view text) {
  Captured value;
  value.kind = ValueKind::kText;
  value.text = text;
  return value;
}

// Checks a text once.
bool HasJson(Captured& value) {
  if (value.json == Captured::Json::kUnknown) {
    value.json = IsJson(value.text) ? Captured::Json::kYes : Captured::Json::kNo;
  }
  return value.json == Captured::Json::kYes;
}

// Writes a number, less other numbers that are a part of it. A part may be more than the whole.
void AddNumber(const Captured& value, double less, ByteWriter& json) {
  char* const at = json.Reserve(kMaxNumberBytes);
  const double rest = NumberOf(value) - less;
  const bool is_exact = less == 0 || (rest >= 0 && rest <= kMaxExactInteger);
  char* const end = value.kind == ValueKind::kInt64 && is_exact
                        ? WriteInt(less == 0 ? value.integer : static_cast<int64_t>(rest), at)
                        : WriteDouble(less == 0 || rest > 0 ? rest : 0, NumberStyle::kShort, at);
  json.Advance(static_cast<size_t>(end - at));
}

// Writes two digits and the separator before them.
char* TwoDigits(char before, uint32_t value, char* at) {
  at[0] = before;
  at[1] = static_cast<char>('0' + value / 10);
  at[2] = static_cast<char>('0' + value % 10);
  return at + 3;
}

constexpr size_t kIsoBytes = 24;

// Writes a time as ISO 8601 in milliseconds. The days are those of https://howardhinnant.github.io/date_algorithms.html.
void WriteIsoTime(uint64_t unix_ms, char* at) {
  const auto of_day = static_cast<uint32_t>(unix_ms % 86'400'000);
  const auto days = static_cast<uint32_t>(unix_ms / 86'400'000) + 719'468;
  const uint32_t era = days / 146'097;
  const uint32_t day_of_era = days % 146'097;
  const uint32_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted = (5 * day_of_year + 2) / 153;
  const uint32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const uint32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const uint32_t seconds = of_day / 1'000;
  const uint32_t ms = of_day % 1'000;
  at[0] = static_cast<char>('0' + year / 1'000);
  at = TwoDigits(static_cast<char>('0' + year / 100 % 10), year % 100, at + 1);
  at = TwoDigits('-', month, at);
  at = TwoDigits('-', day_of_year - (153 * shifted + 2) / 5 + 1, at);
  at = TwoDigits('T', seconds / 3'600, at);
  at = TwoDigits(':', seconds / 60 % 60, at);
  at = TwoDigits(':', seconds % 60, at);
  at[0] = '.';
  at = TwoDigits(static_cast<char>('0' + ms / 100), ms % 100, at + 1);
  at[0] = 'Z';
}

uint32_t FindName(std::string_view name, const std::vector<std::string_view>& names) {
  uint32_t at = 0;
  while (at < names.size() && (names[at].size() != name.size() || !SameBytes(names[at], name))) ++at;
  return at < names.size() ? at : kNoKey;
}

}  // namespace

DialectMapper::DialectMapper(Dialect dialect, BatchReader& in, std::vector<Key>& keys, AttributeWriter& out)
    : dialect_(dialect),
      in_(in),
      out_(out),
      keys_(keys),
      messages_(scratch_, *this),
      operation_(OperationOf({}, dialect)) {
  const std::vector<std::string_view>& names = in.keys();
  const auto capture = [&](uint32_t key) -> Captured* {
    if (key == kNoKey) return nullptr;
    keys[key].is_captured = true;
    return &keys[key].captured;
  };
  const auto captured = [&](std::string_view name) {
    Captured* const found = capture(FindName(name, names));
    return found == nullptr ? &nothing_ : found;
  };
  operation_key_ = captured("gen_ai.operation.name");
  cost_ = captured("cloudflare.agents.usage.cost.amount");
  currency_ = captured("cloudflare.agents.usage.cost.currency");

  const DialectRows rows = RowsOf(dialect);
  const size_t row_count = rows.end - rows.first;
  steps_ = std::make_unique<Step[]>(row_count);
  // All keys fit, so that views on them stay valid.
  (void)encoded_keys_.Reserve(row_count * kMaxEncodedKeyBytes + BatchReader::kSlackBytes);
  for (uint32_t at = rows.first; at < rows.end; ++at) {
    const DialectRow row = RowAt(at);
    const uint32_t key = FindName(TextAt(row.from), names);
    // A sum needs all of its rows.
    if (key == kNoKey && row.rule != kSum) continue;
    const uint32_t taken = FindName(TextAt(row.to), names);
    const size_t start = encoded_keys_.size();
    out.EncodeKey(TextAt(row.to), encoded_keys_);
    const std::string_view encoded = encoded_keys_.view().substr(start);
    if (row.rule == kRename && taken == kNoKey) {
      keys[key].in_spans = encoded;
      continue;
    }
    Captured* const from = key == kNoKey ? &nothing_ : capture(key);
    steps_[step_count_++] = {row.rule, row.spans, row.to, row.detail, from, {}, capture(taken), encoded};
  }
}

void DialectMapper::SwapKeys() {
  for (Key& key : keys_) {
    if (key.in_spans.empty()) continue;
    std::swap(key.encoded, key.in_spans);
    key.attribute_size = 0;
  }
}

void DialectMapper::Begin() {
  for (Key& key : keys_) {
    key.captured.kind = ValueKind::kNone;
    key.captured.json = Captured::Json::kUnknown;
  }
}

void DialectMapper::Finish(uint64_t start_unix_nano) {
  start_unix_nano_ = start_unix_nano;
  left_ = kMaxAddedBytes;
  const std::string_view name = IsText(*operation_key_) ? operation_key_->text : std::string_view();
  // Most spans of a batch have the operation of the span before, in the same place.
  if (name.data() != operation_name_.data() || name.size() != operation_name_.size()) {
    operation_name_ = name;
    operation_ = OperationOf(name, dialect_);
  }
  const std::span<Step> steps(steps_.get(), step_count_);
  for (size_t at = 0; at < steps.size();) {
    const Step& step = steps[at];
    const size_t first = at;
    do ++at;
    while (at < steps.size() && steps[at].to == step.to);
    if (step.target == nullptr || step.target->kind == ValueKind::kNone) Group(steps.subspan(first, at - first));
  }
}

void DialectMapper::Write(std::string_view key, const Captured& value) {
  const size_t bytes = key.size() + (IsText(value) ? value.text.size() : 0);
  if (bytes > left_) return;
  left_ -= static_cast<uint32_t>(bytes);
  out_.Write(key, value);
}

void DialectMapper::Add(std::string_view key, std::string_view text) {
  key_.Clear();
  out_.EncodeKey(key, key_);
  Write(key_.view(), TextOf(text));
}

// Writes what the first row with a value makes of it.
void DialectMapper::Group(std::span<Step> steps) {
  uint32_t messages = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    Captured& value = *step.from;
    const std::string_view detail = TextAt(step.detail);
    if ((step.spans & operation_.spans) == 0 || value.kind == ValueKind::kNone) continue;
    if (step.rule == kSum) return Sum(steps);
    // Costs in another currency would be read as US dollars.
    if (&value == cost_ && IsText(*currency_) && !SameBytes(currency_->text, "USD")) continue;
    std::string_view text;
    switch (step.rule) {
      case kRename:
      case kCopy:
        if (IsText(value) || IsNumber(value) || value.kind == ValueKind::kTrue || value.kind == ValueKind::kFalse) {
          Write(step.key, value);
        }
        return;
      case kKind:
        text = operation_.kind;
        break;
      case kConstant:
        text = detail;
        break;
      case kMember:
      case kRest:
        text = Object(steps.subspan(i));
        break;
      case kTime:
        text = Time(value);
        break;
      case kFirst:
        text = First(value);
        break;
      default:
        if (!IsText(value)) continue;
        if (step.rule == kPrefix) {
          scratch_.Clear();
          scratch_.Raw(detail);
          scratch_.Raw(value.text);
          text = scratch_.view();
        } else if (step.rule == kMime) {
          text = HasJson(value) ? "application/json" : "text/plain";
        } else if (step.rule == kSystem) {
          messages = messages_.Instructions(TextAt(step.to), value.text, HasJson(value));
          continue;
        } else if (HasJson(value)) {
          if (step.rule == kMessages) messages_.Messages(TextAt(step.to), value.text, messages);
          if (step.rule == kTools) messages_.Tools(TextAt(step.to), value.text);
        }
    }
    if (!text.empty()) Write(step.key, TextOf(text));
    return;
  }
}

void DialectMapper::Sum(std::span<const Step> steps) {
  Captured sum;
  sum.kind = ValueKind::kInt64;
  uint64_t total = 0;
  for (const Step& step : steps) {
    if (step.from->kind != ValueKind::kInt64) return;
    total += static_cast<uint64_t>(step.from->integer);
  }
  sum.integer = static_cast<int64_t>(total);
  Write(steps.front().key, sum);
}

// Returns whether the last object is that of `steps` too. Most spans of a batch have equal parameters.
bool DialectMapper::IsSameObject(std::span<const Step> steps) const {
  if (object_steps_ != steps.data() || object_spans_ != operation_.spans) return false;
  for (const Step& step : steps) {
    if (!IsSame(*step.from, step.last)) return false;
  }
  return true;
}

// Returns a JSON object, or an empty text without members.
std::string_view DialectMapper::Object(std::span<Step> steps) {
  ByteWriter& json = object_;
  if (IsSameObject(steps)) return json.view();
  json.Clear();
  object_steps_ = steps.data();
  object_spans_ = operation_.spans;
  for (size_t i = 0; i < steps.size(); ++i) {
    Step& step = steps[i];
    step.last = *step.from;
    if ((step.spans & operation_.spans) == 0 || !IsMember(step.rule)) continue;
    double less = 0;
    for (size_t part = i + 1; step.rule == kRest && part < steps.size() && steps[part].rule != kRest; ++part) {
      if (IsNumber(*steps[part].from)) less += NumberOf(*steps[part].from);
    }
    const size_t start = json.size();
    json.Byte(start == 0 ? '{' : ',');
    json.Raw(TextAt(step.detail));
    if (!AddValue(step, IsFinite(less) ? less : 0, json)) json.Truncate(start);
  }
  if (json.size() > 0) json.Byte('}');
  return json.view();
}

// Adds a value, of a number without `less`. Returns false if it has no place in JSON.
bool DialectMapper::AddValue(const Step& step, double less, ByteWriter& json) {
  const Captured& value = *step.from;
  if (value.kind == ValueKind::kList) return AddList(value, json);
  if (IsText(value)) return WriteQuoted(value.text, json), true;
  if (!IsNumber(value) || !IsFinite(NumberOf(value))) return false;
  return AddNumber(value, less, json), true;
}

// Continues to read at a list.
void DialectMapper::MoveTo(const Captured::List& list) {
  BatchReader::Position position = in_.position();
  position.words = list.words;
  position.text = list.text;
  in_.MoveTo(position);
}

// Adds a list of texts. Returns false for another list.
bool DialectMapper::AddList(const Captured& value, ByteWriter& json) {
  const BatchReader::Position after = in_.position();
  MoveTo(value.list);
  bool are_texts = true;
  char before = '[';
  for (uint32_t left = in_.Word(); left > 0 && are_texts; --left) {
    are_texts = KindOf(in_.Word()) == ValueKind::kText;
    json.Byte(static_cast<uint8_t>(before));
    if (are_texts) WriteQuoted(in_.Text(in_.Word()), json);
    before = ',';
  }
  if (before == '[') json.Byte('[');
  json.Byte(']');
  in_.MoveTo(after);
  return are_texts;
}

// Returns the start of the span and then seconds as ISO 8601.
std::string_view DialectMapper::Time(const Captured& value) {
  constexpr double kMostSeconds = 1e9;
  const double seconds = NumberOf(value);
  const bool is_near = seconds >= 0 && seconds < kMostSeconds;
  if (!IsNumber(value) || !is_near) return {};
  scratch_.Clear();
  WriteIsoTime((start_unix_nano_ + static_cast<uint64_t>(seconds * 1e9)) / 1'000'000, scratch_.Reserve(kIsoBytes));
  scratch_.Advance(kIsoBytes);
  return scratch_.view();
}

// Returns the first text of a list, or a text.
std::string_view DialectMapper::First(const Captured& value) {
  if (value.kind != ValueKind::kList) return IsText(value) ? value.text : std::string_view();
  const BatchReader::Position after = in_.position();
  MoveTo(value.list);
  std::string_view text;
  if (in_.Word() > 0 && KindOf(in_.Word()) == ValueKind::kText) text = in_.Text(in_.Word());
  in_.MoveTo(after);
  return text;
}

}  // namespace isotel::otlp
