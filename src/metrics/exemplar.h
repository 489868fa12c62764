// Exemplars: recorded values with their traces.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/wire.h"
#include "metrics/declaration.h"

namespace isotel::metrics {

struct Exemplar {
  double value = 0;
  uint64_t unix_ms = 0;
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};

  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

/// The exemplars of one series: the newest one of a counter, the newest of each bucket of an explicit histogram, the
/// kMaxExponentialExemplars newest of an exponential one. The result does not depend on the order of offers. The list
/// is sorted by value.
class Exemplars {
 public:
  void Offer(const Exemplar& exemplar, const Declaration& declaration);
  void Merge(const Exemplars& other, const Declaration& declaration);
  void Clear() { list_.clear(); }

  [[nodiscard]] const std::vector<Exemplar>& list() const { return list_; }

  void Write(ByteWriter& writer) const;
  /// Reads what Write() wrote and offers it to `into`. Only reads when `into` is null. Fails the reader for values that
  /// are not finite, and for more exemplars than a series may have.
  static void Read(ByteReader& reader, const Declaration& declaration, Exemplars* into);

 private:
  std::vector<Exemplar> list_;
};

}  // namespace isotel::metrics
