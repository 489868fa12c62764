// Totals: families and their series, merged from any number of bodies.
//
// A body is the part delta frames, snapshots and nothing else share: families, each followed by its series
// (export/SNAPSHOT_FORMAT.md). Families are told apart by their whole declaration: one that changed in a new
// deployment is another family here, and an exposition brings both together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/hash_index.h"
#include "metrics/point.h"

namespace isotel::metrics {

struct Family {
  std::string bytes;  ///< canonical declaration
  Declaration declaration;
};

struct Series {
  uint32_t family = 0;
  uint32_t labels_at = 0;
  uint32_t labels_size = 0;
  Point point;
};

/// A gauge value met in a body.
struct GaugeUpdate {
  uint32_t series = 0;
  uint64_t unix_ms = 0;
  double value = 0;
};

/// What merging a body touched; collected, never cleared by the store.
struct Changes {
  std::vector<uint32_t> series;
  std::vector<GaugeUpdate> gauges;
  uint64_t series_overflowed = 0;  ///< went to the overflow series: kMaxSeries
  uint64_t series_dropped = 0;     ///< of a family past kMaxFamilies
};

class Store {
 public:
  static constexpr uint32_t kNone = HashIndex::kNone;

  /// Reads a body to its end without changing anything: kCorrupt, or kOk when MergeBody() will succeed.
  Error CheckBody(ByteReader reader) const;

  /// Merges a body. On kCorrupt a part of it may have been merged: check it first or throw the store away. With
  /// `changes`, gauges are reported there instead of merged.
  Error MergeBody(ByteReader& reader, Changes* changes);

  /// Writes everything that is not empty as a body, families and series sorted: equal contents give equal bytes.
  void WriteBody(ByteWriter& writer) const;

  /// The family of this declaration, added if it is new; kCorrupt when it is none, kLimitReached.
  Result<uint32_t> AddFamily(std::string_view bytes);
  /// The series with these labels, added if it is new; kCorrupt when they are none of the family's.
  Result<uint32_t> AddSeries(uint32_t family, std::string_view labels);

  [[nodiscard]] const std::vector<std::unique_ptr<const Family>>& families() const { return families_; }
  [[nodiscard]] const std::vector<Series>& series() const { return series_; }
  [[nodiscard]] Point& point(uint32_t series) { return series_[series].point; }
  [[nodiscard]] const Declaration& DeclarationOf(const Series& series) const {
    return families_[series.family]->declaration;
  }
  [[nodiscard]] std::string_view LabelsOf(const Series& series) const {
    return std::string_view(labels_).substr(series.labels_at, series.labels_size);
  }
  /// All series, by family in the order of their declarations, then by labels.
  [[nodiscard]] std::vector<uint32_t> Sorted() const;

 private:
  [[nodiscard]] uint32_t FindFamily(std::string_view bytes, uint64_t hash, uint32_t guess) const;
  [[nodiscard]] bool IsSeries(uint32_t series, uint32_t family, std::string_view labels) const;

  std::vector<std::unique_ptr<const Family>> families_;
  std::vector<Series> series_;
  std::string labels_;
  HashIndex family_index_;
  HashIndex series_index_;
  PointReader points_;
};

/// What a record of a body is.
enum class BodyTag : uint8_t { kEnd = 0, kFamily = 1, kSeries = 2 };

}  // namespace isotel::metrics
