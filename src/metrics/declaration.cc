#include "metrics/declaration.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "base/utf8.h"
#include "metrics/bounds.h"

namespace isotel::metrics {
namespace {

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kMaxMetricNameBytes || !IsValidUtf8(text)) return false;
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

}  // namespace

bool IsLabelName(std::string_view name) { return IsName(name) && !name.starts_with("__"); }

namespace {

bool IsText(std::string_view text, size_t max_bytes) { return text.size() <= max_bytes && IsValidUtf8(text); }

Error CheckLabelKeys(const Declaration& declaration) {
  const std::vector<std::string>& keys = declaration.label_keys;
  if (keys.size() > kMaxLabels) return Error::kInvalidLabelName;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!IsLabelName(keys[i])) return Error::kInvalidLabelName;
    if (declaration.kind == Kind::kHistogram && keys[i] == "le") return Error::kInvalidLabelName;
    for (size_t other = 0; other < i; ++other) {
      if (keys[i] == keys[other]) return Error::kInvalidLabelName;
    }
  }
  return Error::kOk;
}

}  // namespace

Error Check(const Declaration& declaration) {
  if (!IsName(declaration.name)) return Error::kInvalidMetricName;
  if (static_cast<uint8_t>(declaration.kind) >= kKindCount || !IsText(declaration.unit, kMaxUnitBytes) ||
      !IsText(declaration.help, kMaxHelpBytes)) {
    return Error::kInvalidDeclaration;
  }
  if (const Error error = CheckLabelKeys(declaration); error != Error::kOk) return error;
  if (declaration.kind == Kind::kHistogram && !AreBounds(declaration.bounds)) return Error::kInvalidBounds;
  if (declaration.kind == Kind::kExponentialHistogram) {
    const bool in_range = declaration.schema >= kMinSchema && declaration.schema <= kMaxSchema &&
                          declaration.max_buckets >= kMinExponentialBuckets &&
                          declaration.max_buckets <= kMaxExponentialBuckets && declaration.zero_threshold >= 0 &&
                          std::isfinite(declaration.zero_threshold);
    if (!in_range) return Error::kInvalidDeclaration;
  }
  return Error::kOk;
}

void Write(const Declaration& declaration, ByteWriter& writer) {
  writer.Byte(static_cast<uint8_t>(declaration.kind));
  writer.Bytes(declaration.name);
  writer.Bytes(declaration.unit);
  writer.Bytes(declaration.help);
  writer.Varint(declaration.label_keys.size());
  for (const std::string& key : declaration.label_keys) writer.Bytes(key);
  if (declaration.kind == Kind::kHistogram) {
    writer.Varint(declaration.bounds.size());
    for (const double bound : declaration.bounds) writer.Double(bound);
  }
  if (declaration.kind == Kind::kExponentialHistogram) {
    writer.SignedVarint(declaration.schema);
    writer.Varint(declaration.max_buckets);
    writer.Double(declaration.zero_threshold);
  }
}

Error ReadDeclaration(std::string_view bytes, Declaration& declaration) {
  ByteReader reader(bytes);
  declaration.label_keys.clear();
  declaration.bounds.clear();
  declaration.kind = static_cast<Kind>(reader.Byte());
  declaration.name = reader.Bytes();
  declaration.unit = reader.Bytes();
  declaration.help = reader.Bytes();
  const uint32_t keys = reader.Bounded(kMaxLabels);
  for (uint32_t i = 0; i < keys; ++i) declaration.label_keys.emplace_back(reader.Bytes());
  if (declaration.kind == Kind::kHistogram) {
    const uint32_t bounds = reader.Bounded(kMaxBounds);
    for (uint32_t i = 0; i < bounds; ++i) declaration.bounds.push_back(reader.Double());
  }
  if (declaration.kind == Kind::kExponentialHistogram) {
    const int64_t schema = reader.SignedVarint();
    if (schema < kMinSchema || schema > kMaxSchema) reader.Fail();
    declaration.schema = static_cast<int>(schema);
    declaration.max_buckets = reader.Bounded(kMaxExponentialBuckets);
    declaration.zero_threshold = reader.Double();
  }
  const bool sorted = std::is_sorted(declaration.label_keys.begin(), declaration.label_keys.end());
  if (!reader.Done() || !sorted || Check(declaration) != Error::kOk) return Error::kCorrupt;
  return Error::kOk;
}

}  // namespace isotel::metrics
