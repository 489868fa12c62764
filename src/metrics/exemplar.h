// Exemplars: one recorded value each, with the trace it belongs to.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "metrics/declaration.h"
#include "metrics/wire.h"

namespace isotel::metrics {

struct Exemplar {
  double value = 0;
  uint64_t unix_ms = 0;
  std::array<uint8_t, 16> trace_id{};
  std::array<uint8_t, 8> span_id{};

  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

/// The exemplars of one series: of a counter the newest, of an explicit histogram the newest of each bucket, of
/// an exponential one the kMaxExponentialExemplars newest. Which ones stay does not depend on the order in which
/// they are offered; they are kept sorted by value.
class Exemplars {
 public:
  void Offer(const Exemplar& exemplar, const Declaration& declaration);
  void Merge(const Exemplars& other, const Declaration& declaration);
  void Clear() { list_.clear(); }

  [[nodiscard]] const std::vector<Exemplar>& list() const { return list_; }

  void Write(ByteWriter& writer) const;
  /// Offers what Write() wrote to `into`; only reads when that is null. Fails the reader for values that are
  /// not finite or more exemplars than a series may have.
  static void Read(ByteReader& reader, const Declaration& declaration, Exemplars* into);

 private:
  std::vector<Exemplar> list_;
};

}  // namespace isotel::metrics
