// Totals: families and their series, merged from any number of bodies.
//
// A body is the common part of delta frames and snapshots: families, each followed by its series
// (metrics/SNAPSHOT_FORMAT.md). Families with different declarations are different families. When a deployment changes
// a declaration, the store has both, and an exposition merges them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_index.h"
#include "base/result.h"
#include "metrics/point.h"

namespace isotel::metrics {

struct Family {
  std::string bytes;  ///< canonical declaration
  Declaration declaration;
  uint64_t since_unix_ms = 0;    ///< when the first value was written; 0 if that is not known
  uint64_t written_unix_ms = 0;  ///< when the last value was written, to the minute; 0 if that is not known
};

struct Series {
  uint32_t family = 0;
  uint32_t labels_at = 0;
  uint32_t labels_size = 0;
  Point point;
};

/// A gauge value in a body.
struct GaugeUpdate {
  uint32_t series = 0;
  uint64_t unix_ms = 0;
  double value = 0;
};

/// What merging a body changed. The store appends to it.
struct Changes {
  std::vector<uint32_t> families;
  std::vector<uint32_t> series;
  std::vector<GaugeUpdate> gauges;
  uint64_t series_overflowed = 0;  ///< moved to the overflow series, past kMaxSeries
  uint64_t series_dropped = 0;     ///< of a family past kMaxFamilies
};

class Store {
 public:
  static constexpr uint32_t kNone = HashIndex::kNone;

  /// Reads a whole body and changes nothing. Returns kOk when MergeBody() will succeed, else kCorrupt.
  Error CheckBody(ByteReader reader) const;

  /// Merges a body. After kCorrupt a part of it may have been merged: call CheckBody() first, or throw the store away.
  /// With `changes`, gauges are reported there and not merged.
  Error MergeBody(ByteReader& reader, Changes* changes);

  /// Writes all points that are not empty as a body. Families and series are sorted, so equal contents give equal
  /// bytes. `times` adds the times of each family.
  void WriteBody(ByteWriter& writer, bool times = false) const;

  /// Merges the times of a family. 0 is a time that is not known.
  void AddTimes(uint32_t family, uint64_t since_unix_ms, uint64_t written_unix_ms);

  /// Returns the family of this declaration and adds it if it is new. Returns kCorrupt for bytes that are not a
  /// declaration, or kLimitReached.
  Result<uint32_t> AddFamily(std::string_view bytes);
  /// Returns the series with these labels and adds it if it is new. Returns kCorrupt for labels that do not fit the
  /// family, or kLimitReached.
  Result<uint32_t> AddSeries(uint32_t family, std::string_view labels);

  [[nodiscard]] const std::vector<std::unique_ptr<Family>>& families() const { return families_; }
  [[nodiscard]] const std::vector<Series>& series() const { return series_; }
  [[nodiscard]] Point& point(uint32_t series) { return series_[series].point; }
  [[nodiscard]] const Declaration& DeclarationOf(const Series& series) const {
    return families_[series.family]->declaration;
  }
  [[nodiscard]] std::string_view LabelsOf(const Series& series) const {
    return std::string_view(labels_).substr(series.labels_at, series.labels_size);
  }
  /// Returns all series, sorted by the bytes of their declarations, then by labels.
  [[nodiscard]] std::vector<uint32_t> Sorted() const;

 private:
  [[nodiscard]] uint32_t FindFamily(std::string_view bytes, uint64_t hash, uint32_t guess) const;
  [[nodiscard]] bool IsSeries(uint32_t series, uint32_t family, std::string_view labels) const;

  std::vector<std::unique_ptr<Family>> families_;
  std::vector<Series> series_;
  std::string labels_;
  HashIndex family_index_;
  HashIndex series_index_;
  PointReader points_;
};

/// The kind of a record in a body.
enum class BodyTag : uint8_t { kEnd = 0, kFamily = 1, kSeries = 2, kTimes = 3 };

}  // namespace isotel::metrics
