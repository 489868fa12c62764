// The metrics of one isolate: families, bound series and what was recorded since the last flush.
//
// The host binds each label set once and records by row from then on: Record() neither hashes nor allocates.
// A flush turns what changed into frames with sequence numbers of their own, which stay here until the host
// commits each; one that could not be sent is offered again by the next flush, under the same number, so that
// the other end can tell.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "metrics/frame.h"
#include "metrics/hash_index.h"
#include "metrics/point.h"

namespace isotel::metrics {

class Registry {
 public:
  explicit Registry(const ProducerId& producer) : producer_(producer) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Who declares a family. A name belongs to the host: a built-in family of the same name gives way to the host's,
  /// whichever is declared first. Names are the same when expositions show them alike: characters other than ASCII
  /// letters and digits are equal, and the suffixes _seconds, _total and _seconds_total do not count.
  enum class Origin : uint8_t { kHost, kBuiltIn };

  /// A family; the same number again for an equal declaration of the same origin. `max_series` label sets are kept
  /// apart, 0 for kMaxSeriesPerFamily. A built-in family that gives way to this one records nothing from now on; what
  /// it has recorded is still flushed. Errors of Check(), kLimitReached; kConflict for a different declaration of the
  /// name by the same origin, and for a built-in family whose name IsTaken().
  Result<uint32_t> Declare(Declaration declaration, uint32_t max_series, Origin origin = Origin::kHost);
  /// Whether the host has declared a family of this name.
  [[nodiscard]] bool IsTaken(std::string_view name) const;
  /// Built-in families that gave way after they had been declared.
  [[nodiscard]] uint32_t replaced_families() const { return replaced_families_; }

  /// The row of a label set: a value for each label name, in the order in which they were declared. Equal label
  /// sets have one row. Past the cap, the family's overflow row (counted). kOutOfRange for an unknown family or
  /// another number of values, kInvalidUtf8.
  Result<uint32_t> Bind(uint32_t family, std::span<const std::string_view> values, double now_unix_ms);

  /// Adds to a counter, sets a gauge, observes in a histogram. kOutOfRange for an unknown row; kInvalidValue for
  /// NaN, an infinity (gauges take it) or a negative counter increment (counted).
  Error Record(uint32_t row, double value);
  /// The same with an exemplar whose value is `exemplar.value`.
  Error Record(uint32_t row, const Exemplar& exemplar);
  /// Adds observations an explicit histogram would have counted: for each bucket how many, the last for +Inf, and the
  /// sum of their values. kOutOfRange for another row or number of buckets, kInvalidValue for a sum that is not finite
  /// (counted).
  Error RecordCounts(uint32_t row, std::span<const uint32_t> counts, double sum);
  /// Adds to a gauge; the row was set to 0 if never. Like Record() for other kinds.
  Error Add(uint32_t row, double value);

  /// Whether something was recorded or bound since the last flush.
  [[nodiscard]] bool dirty() const { return !dirty_.empty(); }

  /// Moves what changed into new frames, unless kMaxPendingBytes of frames are not committed yet. With
  /// `refresh_gauges` also every gauge that was ever set, so that an aggregator does not let them expire.
  /// Returns the number of pending frames, old ones first.
  uint32_t Flush(double now_unix_ms, bool refresh_gauges);

  struct Frame {
    uint64_t sequence = 0;
    std::string bytes;
  };
  [[nodiscard]] const std::vector<Frame>& pending() const { return pending_; }
  /// Forgets a frame that was delivered; kOutOfRange when no such frame is pending.
  Error Commit(uint64_t sequence);

  /// How many label names a family was declared with; kOutOfRange for an unknown one.
  [[nodiscard]] Result<uint32_t> LabelCount(uint32_t family) const;
  [[nodiscard]] uint32_t families() const { return static_cast<uint32_t>(families_.size()); }
  [[nodiscard]] uint64_t label_sets_overflowed() const { return label_sets_overflowed_; }
  [[nodiscard]] uint64_t invalid_values() const { return invalid_values_; }
  [[nodiscard]] uint32_t rows() const { return static_cast<uint32_t>(rows_.size()); }

 private:
  // What Record() needs.
  struct Row {
    double value = 0;  // counter: increment, gauge: value, histograms: sum
    const double* bounds = nullptr;
    uint64_t* counts = nullptr;
    Exponential* exponential = nullptr;
    uint32_t bound_count = 0;
    Kind kind = Kind::kCounter;
    bool dirty = false;
    bool set = false;       // a gauge that has a value
    bool replaced = false;  // of a family that gave way
  };
  struct Cell {
    uint32_t family = 0;
    std::string labels;
    Point point;
  };
  struct FamilyState {
    Declaration declaration;
    std::string bytes;
    std::array<uint8_t, kMaxLabels> order{};  // position among the sorted names -> position as declared
    uint32_t max_series = 0;
    uint32_t series = 0;
    Origin origin = Origin::kHost;
    bool replaced = false;
  };

  void Replace(uint32_t family);
  uint32_t AddRow(uint32_t family, std::string_view labels, uint64_t hash, uint64_t now_unix_ms);
  void MarkDirty(uint32_t row) {
    if (rows_[row].dirty) return;
    rows_[row].dirty = true;
    dirty_.push_back(row);
  }
  Error Invalid() {
    ++invalid_values_;
    return Error::kInvalidValue;
  }
  void WriteFrames(uint64_t now_unix_ms);
  void WriteRow(uint32_t row, uint64_t now_unix_ms);
  void Finish(uint64_t sequence);
  void Reset(uint32_t row);

  ProducerId producer_;
  uint64_t next_sequence_ = 1;
  uint64_t label_sets_overflowed_ = 0;
  uint64_t invalid_values_ = 0;
  uint32_t replaced_families_ = 0;
  std::vector<std::unique_ptr<FamilyState>> families_;
  std::vector<Row> rows_;
  std::vector<Cell> cells_;
  std::vector<uint32_t> dirty_;
  HashIndex row_index_;
  std::unique_ptr<const ExponentialTable> table_;
  std::vector<Frame> pending_;
  ByteWriter writer_;
};

}  // namespace isotel::metrics
