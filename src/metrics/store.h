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
#include "base/limits.h"
#include "base/result.h"
#include "metrics/point.h"

namespace isotel::metrics {

struct Family {
  std::string bytes;  ///< canonical declaration
  Declaration declaration;
  uint64_t since_unix_ms = 0;    ///< when the first value was written; 0 if that is not known
  uint64_t written_unix_ms = 0;  ///< when the last value was written, to the minute; 0 if that is not known
  uint32_t series = 0;           ///< number of series
};

struct Series {
  uint32_t family = 0;
  uint32_t labels_at = 0;
  uint32_t labels_size = 0;
  uint64_t written_unix_ms = 0;  ///< when the last value arrived, rounded up in a body; 0 if that is not known
  Point point;
};

/// Limits of a store. Past a limit, new label sets of a family share its overflow series. The overflow series and the
/// series of families without labels count, but are never refused.
struct StoreLimits {
  uint32_t series = kMaxSeries;
  uint32_t family_series = kMaxSeries;     ///< of each family
  uint64_t exposition_bytes = UINT64_MAX;  ///< of all series, see ExpositionBytes()
};

/// Returns about how many bytes a series takes in OpenMetrics without exemplars. Other formats have fewer.
[[nodiscard]] uint64_t ExpositionBytes(const Declaration& declaration, std::string_view labels);

/// A gauge value in a body.
struct GaugeUpdate {
  uint32_t series = 0;
  uint64_t unix_ms = 0;
  double value = 0;
};

/// What merging a body changed. The store appends to it.
struct Changes {
  /// Input. A series of the body was not created before this.
  uint64_t not_before_unix_ms = 0;
  std::vector<uint32_t> families;
  std::vector<uint32_t> series;
  std::vector<GaugeUpdate> gauges;
  uint64_t series_overflowed = 0;                 ///< moved to the overflow series, past a limit of the store
  uint32_t overflowed_family = HashIndex::kNone;  ///< the family of the last one of them
  uint64_t series_dropped = 0;                    ///< of a family past kMaxFamilies
};

class Store {
 public:
  static constexpr uint32_t kNone = HashIndex::kNone;

  /// Sets the limits for series that are added from now on. Default: those of StoreLimits.
  void SetLimits(const StoreLimits& limits) { limits_ = limits; }

  /// Reads a whole body and changes nothing. Returns kOk when MergeBody() will succeed, else kCorrupt.
  Error CheckBody(ByteReader reader) const;

  /// Merges a body. After kCorrupt a part of it may have been merged: call CheckBody() first, or throw the store away.
  /// With `changes`, gauges are reported there and not merged. `unix_ms` is the time at which a body with times was
  /// written, or 0 for a body without times of series.
  Error MergeBody(ByteReader& reader, Changes* changes, uint64_t unix_ms = 0);

  /// Writes all points that are not empty as a body. Families and series are sorted, so equal contents give equal
  /// bytes. A time `unix_ms` adds the times of each family and each series, and the families that have no series.
  void WriteBody(ByteWriter& writer, uint64_t unix_ms = 0) const;

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
  /// Returns the series with these labels of the family with this declaration, or kNone.
  [[nodiscard]] uint32_t Find(std::string_view family, std::string_view labels) const;

  /// Merges the time at which a value of a series arrived. 0 is a time that is not known.
  void AddWritten(uint32_t series, uint64_t written_unix_ms);

  /// Removes every series whose flag is 0. Removes families that have none left, except those with a flag in
  /// `kept_families`. Returns the new number of each series, or kNone.
  std::vector<uint32_t> Keep(const std::vector<uint8_t>& flags, const std::vector<uint8_t>& kept_families);

  /// Returns the bytes of all series, see ExpositionBytes().
  [[nodiscard]] uint64_t exposition_bytes() const { return exposition_bytes_; }

  /// Returns all series, sorted by the bytes of their declarations, then by labels.
  [[nodiscard]] std::vector<uint32_t> Sorted() const;

 private:
  [[nodiscard]] std::vector<uint32_t> SortedFamilies() const;
  [[nodiscard]] uint32_t FindFamily(std::string_view bytes, uint64_t hash, uint32_t guess) const;
  [[nodiscard]] bool IsSeries(uint32_t series, uint32_t family, std::string_view labels) const;
  [[nodiscard]] uint32_t FindSeries(uint32_t family, std::string_view labels, uint64_t hash) const;

  std::vector<std::unique_ptr<Family>> families_;
  std::vector<Series> series_;
  std::string labels_;
  HashIndex family_index_;
  HashIndex series_index_;
  StoreLimits limits_;
  uint64_t exposition_bytes_ = 0;
  PointReader points_;
};

/// The kind of a record in a body.
enum class BodyTag : uint8_t { kEnd = 0, kFamily = 1, kSeries = 2, kTimes = 3, kIdle = 4 };

}  // namespace isotel::metrics
