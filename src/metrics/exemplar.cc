#include "metrics/exemplar.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "base/limits.h"
#include "metrics/bounds.h"

namespace isotel::metrics {
namespace {

// A total order by age.
bool IsNewer(const Exemplar& a, const Exemplar& b) {
  if (a.unix_ms != b.unix_ms) return a.unix_ms > b.unix_ms;
  if (a.value != b.value) return a.value > b.value;
  if (a.trace_id != b.trace_id) return a.trace_id > b.trace_id;
  return a.span_id > b.span_id;
}

// The order of the list.
bool IsAfter(const Exemplar& a, const Exemplar& b) { return a.value != b.value ? a.value > b.value : IsNewer(a, b); }

size_t MaxExemplars(const Declaration& declaration) {
  if (declaration.kind == Kind::kHistogram) return declaration.bounds.size() + 1;
  return declaration.kind == Kind::kExponentialHistogram ? kMaxExponentialExemplars : 1;
}

}  // namespace

void Exemplars::Offer(const Exemplar& exemplar, const Declaration& declaration) {
  size_t replaced = list_.size();
  if (declaration.kind == Kind::kHistogram) {
    const std::vector<double>& bounds = declaration.bounds;
    const size_t bucket = BucketOf(bounds.data(), bounds.size(), exemplar.value);
    for (size_t i = 0; i < list_.size(); ++i) {
      if (BucketOf(bounds.data(), bounds.size(), list_[i].value) == bucket) replaced = i;
    }
  } else if (list_.size() == MaxExemplars(declaration)) {
    replaced = 0;
    for (size_t i = 1; i < list_.size(); ++i) {
      if (IsNewer(list_[replaced], list_[i])) replaced = i;
    }
  }
  if (replaced < list_.size()) {
    if (!IsNewer(exemplar, list_[replaced])) return;
    list_[replaced] = exemplar;
  } else {
    list_.push_back(exemplar);
  }
  // The one new element moves to its place.
  size_t at = replaced;
  for (; at > 0 && IsAfter(list_[at - 1], list_[at]); --at) std::swap(list_[at - 1], list_[at]);
  for (; at + 1 < list_.size() && IsAfter(list_[at], list_[at + 1]); ++at) std::swap(list_[at], list_[at + 1]);
}

void Exemplars::Merge(const Exemplars& other, const Declaration& declaration) {
  for (const Exemplar& exemplar : other.list_) Offer(exemplar, declaration);
}

void Exemplars::Write(ByteWriter& writer) const {
  writer.Varint(list_.size());
  for (const Exemplar& exemplar : list_) {
    writer.Double(exemplar.value);
    writer.Fixed64(exemplar.unix_ms);
    writer.Raw(BytesOf(exemplar.trace_id));
    writer.Raw(BytesOf(exemplar.span_id));
  }
}

void Exemplars::Read(ByteReader& reader, const Declaration& declaration, Exemplars* into) {
  const uint32_t count = reader.Bounded(static_cast<uint32_t>(MaxExemplars(declaration)));
  for (uint32_t i = 0; i < count; ++i) {
    Exemplar exemplar;
    exemplar.value = reader.Double();
    exemplar.unix_ms = reader.Fixed64();
    const std::string_view ids = reader.Raw(24);
    if (!reader.ok() || !std::isfinite(exemplar.value)) return reader.Fail();
    std::memcpy(exemplar.trace_id.data(), ids.data(), 16);
    std::memcpy(exemplar.span_id.data(), ids.data() + 16, 8);
    if (into != nullptr) into->Offer(exemplar, declaration);
  }
}

}  // namespace isotel::metrics
