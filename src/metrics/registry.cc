#include "metrics/registry.h"

#include <algorithm>

#include "base/characters.h"
#include "base/limits.h"
#include "base/sort.h"
#include "base/utf8.h"
#include "metrics/message.h"
#include "metrics/store.h"

namespace isotel::metrics {
namespace {

// Returns the name as expositions escape it with underscores.
std::string Escaped(std::string_view name) {
  std::string shown;
  for (const char c : name) {
    const bool continues = (static_cast<uint8_t>(c) & 0xC0) == 0x80;
    const bool is_kept = IsAlphanumeric(c) && !(shown.empty() && IsDigit(c));
    if (!continues) shown += is_kept ? c : '_';
  }
  return shown;
}

// Returns the escaped name without the suffixes that expositions may add.
std::string ShownName(std::string_view name) {
  std::string shown = Escaped(name);
  for (const std::string_view suffix : {"_total", "_seconds"}) {
    if (shown.size() > suffix.size() && shown.ends_with(suffix)) shown.resize(shown.size() - suffix.size());
  }
  return shown;
}

// Returns whether two declarations of one name are equal except for their label names.
bool DifferInLabelsOnly(const Declaration& a, const Declaration& b) {
  return a.label_keys != b.label_keys && a.kind == b.kind && a.unit == b.unit && a.help == b.help &&
         a.bounds == b.bounds && a.schema == b.schema && a.max_buckets == b.max_buckets &&
         a.zero_threshold == b.zero_threshold;
}

// Removes a text with its length in front from `bytes`. Nothing is an empty text, and a text may be cut off.
std::string_view TakeText(std::string_view& bytes) {
  size_t size = 0;
  for (unsigned shift = 0; shift <= 14 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    size |= size_t{byte & 0x7FU} << shift;
    if (byte < 0x80) break;
  }
  const std::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(text.size());
  return text;
}

}  // namespace

bool Registry::IsTaken(std::string_view name) const {
  const std::string shown = ShownName(name);
  for (const std::unique_ptr<FamilyState>& family : families_) {
    if (family->origin == Origin::kHost && ShownName(family->declaration.name) == shown) return true;
  }
  return false;
}

void Registry::Replace(uint32_t family) {
  families_[family]->replaced = true;
  ++replaced_families_;
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (cells_[row].family == family) rows_[row].replaced = true;
  }
}

Result<uint32_t> Registry::Declare(Declaration declaration, uint32_t max_series, Origin origin) {
  if (const Error error = Check(declaration); error != Error::kOk) return error;
  std::array<uint8_t, kMaxLabels> order{};
  std::vector<std::string>& keys = declaration.label_keys;
  for (size_t i = 0; i < keys.size(); ++i) {
    order[i] = static_cast<uint8_t>(i);
    for (size_t at = i; at > 0 && keys[at] < keys[at - 1]; --at) {
      std::swap(keys[at], keys[at - 1]);
      std::swap(order[at], order[at - 1]);
    }
  }
  ByteWriter writer;
  Write(declaration, writer);
  if (origin == Origin::kBuiltIn && IsTaken(declaration.name)) return Error::kConflict;
  for (uint32_t i = 0; i < families_.size(); ++i) {
    if (families_[i]->origin != origin || families_[i]->declaration.name != declaration.name) continue;
    const FamilyState& known = *families_[i];
    if (SameBytes(known.bytes, writer.view()) && known.order == order) return i;
    if (!DifferInLabelsOnly(known.declaration, declaration)) return Error::kConflict;
  }
  if (families_.size() >= kMaxFamilies) return Error::kLimitReached;
  const std::string shown = ShownName(declaration.name);
  for (uint32_t i = 0; i < families_.size() && origin == Origin::kHost; ++i) {
    const FamilyState& known = *families_[i];
    if (known.origin == Origin::kBuiltIn && !known.replaced && ShownName(known.declaration.name) == shown) Replace(i);
  }
  if (declaration.kind == Kind::kExponentialHistogram && !table_) table_ = std::make_unique<ExponentialTable>();
  families_.push_back(std::make_unique<FamilyState>());
  FamilyState& family = *families_.back();
  family.declaration = std::move(declaration);
  family.bytes = writer.view();
  family.order = order;
  family.origin = origin;
  family.max_series = max_series == 0 ? kMaxSeriesPerFamily : std::min(max_series, kMaxSeriesPerFamily);
  return static_cast<uint32_t>(families_.size() - 1);
}

Error Registry::SetConstantLabels(std::string_view labels) {
  if (labels.size() > kMaxConstantLabelBytes) return Error::kLimitReached;
  for (std::string_view rest = labels; !rest.empty();) {
    const std::string_view key = TakeText(rest);
    if (!IsLabelName(key) || key == "le") return Error::kInvalidLabelName;
    if (!IsValidUtf8(TakeText(rest))) return Error::kInvalidUtf8;
  }
  constants_.Clear();
  constants_.Raw(labels);
  return Error::kOk;
}

Result<uint32_t> Registry::Bind(uint32_t family, std::span<const std::string_view> values, double now_unix_ms) {
  if (family >= families_.size()) return Error::kOutOfRange;
  FamilyState& state = *families_[family];
  if (values.size() != state.declaration.label_keys.size()) return Error::kOutOfRange;
  ByteWriter labels;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string_view value = values[state.order[i]];
    if (!IsValidUtf8(value)) return Error::kInvalidUtf8;
    labels.Bytes(value);
  }
  const auto find = [&](uint64_t hash) {
    return row_index_.Find(hash, [&](uint32_t row) {
      return cells_[row].family == family && SameBytes(cells_[row].labels, labels.view());
    });
  };
  uint64_t hash = Hash(labels.view()) + family;
  uint32_t row = find(hash);
  if (row != HashIndex::kNone) return row;
  if (state.series >= state.max_series || labels.size() > kMaxLabelBytes) {
    ++label_sets_overflowed_;
    labels.Clear();
    hash = Hash(labels.view()) + family;
    row = find(hash);
    if (row != HashIndex::kNone) return row;
  } else {
    ++state.series;
  }
  return AddRow(family, labels.view(), hash, ToUnixMs(now_unix_ms));
}

Result<uint32_t> Registry::LabelCount(uint32_t family) const {
  if (family >= families_.size()) return Error::kOutOfRange;
  return static_cast<uint32_t>(families_[family]->declaration.label_keys.size());
}

uint32_t Registry::AddRow(uint32_t family, std::string_view labels, uint64_t hash, uint64_t now_unix_ms) {
  const Declaration& declaration = families_[family]->declaration;
  const auto number = static_cast<uint32_t>(rows_.size());
  Cell& cell = cells_.emplace_back();
  cell.family = family;
  cell.labels = labels;
  cell.point = Point(declaration);
  cell.point.unix_ms = now_unix_ms;
  Row& row = rows_.emplace_back();
  row.kind = declaration.kind;
  row.bounds = declaration.bounds.data();
  row.bound_count = static_cast<uint32_t>(declaration.bounds.size());
  row.counts = cell.point.counts.data();
  row.exponential = cell.point.exponential.get();
  if (row.exponential != nullptr) row.exponential->ReserveAll();
  // Room for every row, so that recording never allocates.
  dirty_.reserve(rows_.capacity());
  row_index_.Add(hash, number);
  row.replaced = families_[family]->replaced;
  if (row.replaced) return number;
  // Sends a new counter or histogram at zero first. Otherwise a rate would miss its first increment.
  if (!IsGauge(row.kind)) MarkDirty(number);
  return number;
}

uint32_t Registry::Flush(double now_unix_ms, bool refresh_gauges) {
  size_t pending_bytes = 0;
  for (const Frame& frame : pending_) pending_bytes += frame.bytes.size();
  if (pending_bytes >= kMaxPendingBytes) return static_cast<uint32_t>(pending_.size());
  if (refresh_gauges) {
    for (uint32_t row = 0; row < rows_.size(); ++row) {
      if (rows_[row].set) MarkDirty(row);
    }
  }
  if (!dirty_.empty()) WriteFrames(ToUnixMs(now_unix_ms));
  return static_cast<uint32_t>(pending_.size());
}

void Registry::WriteFrames(uint64_t now_unix_ms) {
  Sort(
      dirty_,
      [](const void* context, uint32_t a, uint32_t b) {
        const auto& cells = *static_cast<const std::vector<Cell>*>(context);
        return cells[a].family != cells[b].family ? cells[a].family < cells[b].family : a < b;
      },
      &cells_);
  // The end tag and the checksum.
  constexpr size_t kTailBytes = 5;
  uint32_t family = HashIndex::kNone;
  bool open = false;
  for (size_t at = 0; at < dirty_.size();) {
    const uint32_t row = dirty_[at];
    if (!open) {
      BeginFrame({producer_, next_sequence_, now_unix_ms}, writer_);
      family = HashIndex::kNone;
    }
    const size_t before = writer_.size();
    if (cells_[row].family != family) {
      writer_.Byte(static_cast<uint8_t>(BodyTag::kFamily));
      writer_.Bytes(MergedDeclaration(*families_[cells_[row].family]));
    }
    WriteRow(row, now_unix_ms);
    if (open && writer_.size() + kTailBytes > kMaxFrameBytes) {
      writer_.Truncate(before);
      Finish(next_sequence_++);
      open = false;
      continue;
    }
    open = true;
    family = cells_[row].family;
    Reset(row);
    ++at;
  }
  Finish(next_sequence_++);
  dirty_.clear();
}

void Registry::AddLabel(std::string_view key, std::string_view value) {
  if (label_count_ == kMaxLabels) return;
  size_t at = label_count_++;
  for (; at > 0 && key < labels_[at - 1].key; --at) labels_[at] = labels_[at - 1];
  labels_[at] = {key, value};
}

std::string_view Registry::MergedDeclaration(const FamilyState& family) {
  if (constants_.size() == 0) return family.bytes;
  label_count_ = 0;
  for (const std::string& key : family.declaration.label_keys) AddLabel(key, {});
  for (std::string_view rest = constants_.view(); !rest.empty();) {
    const std::string_view key = TakeText(rest);
    const std::string_view value = TakeText(rest);
    bool is_shown = false;
    for (size_t i = 0; i < label_count_; ++i) is_shown = is_shown || Escaped(labels_[i].key) == Escaped(key);
    if (!is_shown) AddLabel(key, value);
  }
  // The declaration with these label names: kind, name, unit and help, the number of label names, and the rest.
  std::string_view rest = family.bytes;
  rest.remove_prefix(1);
  for (int texts = 3; texts > 0; --texts) TakeText(rest);
  merged_.Clear();
  merged_.Raw({family.bytes.data(), family.bytes.size() - rest.size()});
  rest.remove_prefix(1);
  merged_.Byte(static_cast<uint8_t>(label_count_));
  for (size_t i = 0; i < label_count_; ++i) {
    merged_.Bytes(labels_[i].key);
    if (!labels_[i].is_constant()) TakeText(rest);
  }
  merged_.Raw(rest);
  return merged_.view();
}

std::string_view Registry::MergedLabels(const Cell& cell) {
  std::string_view own = cell.labels;
  if (constants_.size() == 0) return own;
  bool overflows = own.empty() && !families_[cell.family]->declaration.label_keys.empty();
  for (;;) {
    bool is_marked = !overflows;
    merged_.Clear();
    for (size_t i = 0; i < label_count_; ++i) {
      std::string_view value = labels_[i].is_constant() ? labels_[i].value : TakeText(own);
      if (overflows && labels_[i].is_constant() && value.empty()) {
        value = "true";
        is_marked = true;
      }
      merged_.Bytes(value);
    }
    // Without the overflow label, the format has a mark for the series.
    if (!is_marked) merged_.Clear();
    if (merged_.size() <= kMaxLabelBytes) return merged_.view();
    // The values of the family have been taken, so that only the constant ones are left.
    ++label_sets_overflowed_;
    overflows = true;
  }
}

void Registry::WriteRow(uint32_t row, uint64_t now_unix_ms) {
  const Row& state = rows_[row];
  Cell& cell = cells_[row];
  if (IsGauge(state.kind)) {
    cell.point.unix_ms = now_unix_ms;
    cell.point.value = state.value;
  }
  cell.point.sum = Sum::From(state.value);
  writer_.Byte(static_cast<uint8_t>(BodyTag::kSeries));
  writer_.Bytes(MergedLabels(cell));
  WritePoint(cell.point, families_[cell.family]->declaration, writer_);
}

void Registry::Finish(uint64_t sequence) {
  writer_.Byte(static_cast<uint8_t>(BodyTag::kEnd));
  EndMessage(writer_, 0);
  pending_.push_back({sequence, std::string(writer_.view())});
}

void Registry::Reset(uint32_t row) {
  Row& state = rows_[row];
  state.dirty = false;
  if (IsGauge(state.kind)) return;
  Point& point = cells_[row].point;
  state.value = 0;
  std::fill(point.counts.begin(), point.counts.end(), 0);
  if (point.exponential) point.exponential->Clear();
  point.exemplars.Clear();
}

Error Registry::Commit(uint64_t sequence) {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].sequence != sequence) continue;
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    return Error::kOk;
  }
  return Error::kOutOfRange;
}

}  // namespace isotel::metrics
