// A label set is encoded as the values of the family's label names, in the order of the sorted names, each with its
// length in front. An empty value is a label that is not set. The empty encoding is the only series of a family without
// labels, or the overflow series of a family with labels.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "metrics/declaration.h"

namespace isotel::metrics {

/// The label of the overflow series, which collects what exceeds the limit of label sets. Its value is "true".
inline constexpr std::string_view kOverflowLabel = "otel_metric_overflow";

/// Returns whether `labels` is empty, or `keys` values of valid UTF-8 in at most kMaxLabelBytes.
[[nodiscard]] bool AreLabels(std::string_view labels, size_t keys);

/// Iterates over the labels of a series that are set, including the overflow label.
class LabelIterator {
 public:
  LabelIterator(const std::vector<std::string>& keys, std::string_view labels)
      : keys_(keys), reader_(labels), overflow_(labels.empty() && !keys.empty()) {}

  /// Reads the next name and value. Returns false at the end.
  bool Next(std::string_view& key, std::string_view& value);

 private:
  const std::vector<std::string>& keys_;
  ByteReader reader_;
  size_t at_ = 0;
  bool overflow_;
};

}  // namespace isotel::metrics
