#include "metrics/dedup_window.h"

#include "base/limits.h"
#include "metrics/frame.h"

namespace isotel::metrics {

bool DedupWindow::Contains(uint64_t sequence) const {
  if (sequence <= watermark_) return true;
  for (const Run& run : runs_) {
    if (sequence < run.first) return false;
    if (sequence <= run.last) return true;
  }
  return false;
}

uint64_t DedupWindow::Insert(uint64_t sequence) {
  size_t at = 0;
  while (at < runs_.size() && runs_[at].last + 1 < sequence) ++at;
  if (at < runs_.size() && runs_[at].last + 1 == sequence) {
    runs_[at].last = sequence;
    if (at + 1 < runs_.size() && runs_[at + 1].first == sequence + 1) {
      runs_[at].last = runs_[at + 1].last;
      runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
  } else if (at < runs_.size() && runs_[at].first == sequence + 1) {
    runs_[at].first = sequence;
  } else {
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(at), {sequence, sequence});
  }
  uint64_t given_up = 0;
  if (runs_.size() > kMaxSequenceRuns) {
    given_up = runs_.front().first - watermark_ - 1;
    watermark_ = runs_.front().first - 1;
  }
  if (!runs_.empty() && runs_.front().first == watermark_ + 1) {
    watermark_ = runs_.front().last;
    runs_.erase(runs_.begin());
  }
  return given_up;
}

void DedupWindow::Write(ByteWriter& writer) const {
  writer.Varint(watermark_);
  writer.Varint(runs_.size());
  uint64_t at = watermark_;
  for (const Run& run : runs_) {
    writer.Varint(run.first - at);
    writer.Varint(run.last - run.first);
    at = run.last;
  }
}

void DedupWindow::Read(ByteReader& reader) {
  watermark_ = reader.Varint();
  runs_.clear();
  const uint32_t count = reader.Bounded(kMaxSequenceRuns);
  uint64_t at = watermark_;
  for (uint32_t i = 0; i < count && at <= kMaxSequence; ++i) {
    const uint64_t gap = reader.Varint();
    const uint64_t length = reader.Varint();
    // With a gap of 1 the run would continue the one before it.
    if (gap < 2 || gap > kMaxSequence || length > kMaxSequence) return reader.Fail();
    runs_.push_back({at + gap, at + gap + length});
    at += gap + length;
  }
  if (at > kMaxSequence) reader.Fail();
}

}  // namespace isotel::metrics
