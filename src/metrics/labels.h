// A label set is the values of a family's label names, in the order of the sorted names, each with its length.
// An empty value is a label that is not set. No bytes at all stand for the only series of a family without
// labels, or for the overflow series of one with labels.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "metrics/declaration.h"

namespace isotel::metrics {

/// The label of the series that takes what is past the label-set cap, with the value "true".
inline constexpr std::string_view kOverflowLabel = "otel_metric_overflow";

/// Whether `labels` are `keys` values of valid UTF-8, or none, and at most kMaxLabelBytes.
[[nodiscard]] bool AreLabels(std::string_view labels, size_t keys);

/// Walks over the labels of a series that are set, the overflow label included.
class LabelIterator {
 public:
  LabelIterator(const std::vector<std::string>& keys, std::string_view labels)
      : keys_(keys), reader_(labels), overflow_(labels.empty() && !keys.empty()) {}

  /// The next name and value; false at the end.
  bool Next(std::string_view& key, std::string_view& value);

 private:
  const std::vector<std::string>& keys_;
  ByteReader reader_;
  size_t at_ = 0;
  bool overflow_;
};

}  // namespace isotel::metrics
