// The metrics of one isolate: families, bound series and the values recorded since the last flush.
//
// The host binds each label set once and then records by row: Record() neither hashes nor allocates. A flush moves
// changes into frames with sequence numbers. A frame stays here until the host commits it. A frame that could not be
// sent keeps its number, so that the aggregator recognises it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_index.h"
#include "base/limits.h"
#include "base/result.h"
#include "metrics/frame.h"
#include "metrics/point.h"

namespace isotel::metrics {

class Registry {
 public:
  explicit Registry(const ProducerId& producer) : producer_(producer) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// The host's families replace built-in families of the same name, in either order of declaration. Names are the same
  /// when expositions show them alike: characters other than ASCII letters and digits are equal, and the suffixes
  /// _seconds, _total and _seconds_total are ignored.
  enum class Origin : uint8_t { kHost, kBuiltIn };

  /// Declares a family and returns its number: the same number for an equal declaration of the same origin. A built-in
  /// family that this one replaces records nothing more; its values so far are still flushed.
  ///
  /// @param max_series Label sets of the family; more go to the overflow series. Default, as 0: kMaxSeriesPerFamily.
  /// A metric whose label names differ from record to record has a family for each set of label names. Expositions
  /// show these families as one.
  ///
  /// @return The errors of Check(), kLimitReached, or kConflict: for a declaration of the name by the same origin that
  ///     differs in more than its label names, or in their order, and for a built-in family whose name IsTaken().
  Result<uint32_t> Declare(Declaration declaration, uint32_t max_series, Origin origin = Origin::kHost);
  /// Returns whether the host has declared a family of this name.
  [[nodiscard]] bool IsTaken(std::string_view name) const;
  /// Returns how many built-in families were replaced after they had been declared.
  [[nodiscard]] uint32_t replaced_families() const { return replaced_families_; }

  /// Sets labels of every series, from the next frame on, in place of earlier ones: a name and a value for each label,
  /// each a text with its length as a varint in front. One of them has an empty value, kOverflowLabel: overflow
  /// series set it. Without it they have none of these labels.
  ///
  /// Of labels that expositions show alike, a family has the first one: its own before these. What exceeds kMaxLabels is
  /// left out. A label set that exceeds kMaxLabelBytes with these values goes to the overflow series (counted each time
  /// it is written).
  ///
  /// @return kInvalidLabelName, kInvalidUtf8, or kLimitReached past kMaxConstantLabelBytes. An error changes nothing.
  Error SetConstantLabels(std::string_view labels);

  /// Returns the row of a label set: a value for each label name, in the order of declaration. Equal label sets have
  /// one row. Past the limit it returns the family's overflow row (counted). Returns kOutOfRange for an unknown family
  /// or a wrong number of values, or kInvalidUtf8.
  Result<uint32_t> Bind(uint32_t family, std::span<const std::string_view> values, double now_unix_ms);

  /// Adds to a counter, sets a gauge, or observes in a histogram. Returns kOutOfRange for an unknown row. Returns
  /// kInvalidValue (counted) for NaN, for an infinity unless the row is a gauge, and for a negative counter increment.
  Error Record(uint32_t row, double value);
  /// Records `exemplar.value` with its exemplar.
  Error Record(uint32_t row, const Exemplar& exemplar);
  /// Adds observations to an explicit histogram: a count for each bucket, the last for +Inf, and the sum of the values.
  /// Returns kOutOfRange for a row of another kind or a wrong number of buckets, and kInvalidValue (counted) for a sum
  /// that is not finite.
  Error RecordCounts(uint32_t row, std::span<const uint32_t> counts, double sum);
  /// Adds to a gauge, which starts at 0. Does the same as Record() for other kinds.
  Error Add(uint32_t row, double value);

  /// Returns whether something was recorded or bound since the last flush.
  [[nodiscard]] bool dirty() const { return !dirty_.empty(); }

  /// Moves changes into new frames, unless kMaxPendingBytes of frames are not committed. `refresh_gauges` includes
  /// every gauge that was ever set, so that they do not expire in the aggregator. Returns the number of pending frames.
  uint32_t Flush(double now_unix_ms, bool refresh_gauges);

  struct Frame {
    uint64_t sequence = 0;
    std::string bytes;
  };
  /// Oldest first.
  [[nodiscard]] const std::vector<Frame>& pending() const { return pending_; }
  /// Removes a frame that was delivered. Returns kOutOfRange when no such frame is pending.
  Error Commit(uint64_t sequence);

  /// Returns how many label names a family has, or kOutOfRange for an unknown family.
  [[nodiscard]] Result<uint32_t> LabelCount(uint32_t family) const;
  [[nodiscard]] uint32_t families() const { return static_cast<uint32_t>(families_.size()); }
  [[nodiscard]] uint64_t label_sets_overflowed() const { return label_sets_overflowed_; }
  [[nodiscard]] uint64_t invalid_values() const { return invalid_values_; }
  [[nodiscard]] uint32_t rows() const { return static_cast<uint32_t>(rows_.size()); }

 private:
  // The state that Record() needs.
  struct Row {
    double value = 0;  // counter: increment, gauge: value, histograms: sum
    const double* bounds = nullptr;
    uint64_t* counts = nullptr;
    Exponential* exponential = nullptr;
    uint32_t bound_count = 0;
    Kind kind = Kind::kCounter;
    bool dirty = false;
    bool set = false;       // a gauge that has a value
    bool replaced = false;  // of a family that was replaced
  };
  struct Cell {
    uint32_t family = 0;
    std::string labels;
    Point point;
  };
  struct FamilyState {
    Declaration declaration;
    std::string bytes;
    std::array<uint8_t, kMaxLabels> order{};  // sorted position of a label name -> declared position
    uint32_t max_series = 0;
    uint32_t series = 0;
    Origin origin = Origin::kHost;
    bool replaced = false;
  };

  // A label of a family in a frame.
  struct FrameLabel {
    std::string_view key;
    std::string_view value;  // of a constant label, otherwise a null pointer

    [[nodiscard]] bool is_constant() const { return value.data() != nullptr; }
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
  // Returns the declaration of a family with the constant labels, and keeps its labels for MergedLabels().
  std::string_view MergedDeclaration(const FamilyState& family);
  // Returns the label values of a series of that family, with those of the constant labels.
  std::string_view MergedLabels(const Cell& cell);
  void AddLabel(std::string_view key, std::string_view value);
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
  ByteWriter constants_;  // as SetConstantLabels() takes them
  // The labels of the family that is being written, by name.
  std::array<FrameLabel, kMaxLabels> labels_{};
  size_t label_count_ = 0;
  ByteWriter merged_;
};

}  // namespace isotel::metrics
