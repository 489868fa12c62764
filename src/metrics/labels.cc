#include "metrics/labels.h"

#include "base/limits.h"
#include "base/utf8.h"

namespace isotel::metrics {

bool AreLabels(std::string_view labels, size_t keys) {
  if (labels.empty()) return true;
  if (labels.size() > kMaxLabelBytes) return false;
  ByteReader reader(labels);
  for (size_t i = 0; i < keys; ++i) {
    if (!IsValidUtf8(reader.Bytes())) return false;
  }
  return reader.Done();
}

bool LabelIterator::Next(std::string_view& key, std::string_view& value) {
  if (overflow_) {
    overflow_ = false;
    at_ = keys_.size();
    key = kOverflowLabel;
    value = "true";
    return true;
  }
  while (at_ < keys_.size()) {
    key = keys_[at_++];
    value = reader_.Bytes();
    if (!value.empty()) return true;
  }
  return false;
}

}  // namespace isotel::metrics
