#include "metrics/store.h"

#include <algorithm>

#include "base/sort.h"
#include "metrics/labels.h"

namespace isotel::metrics {
namespace {

uint64_t SeriesHash(uint32_t family, std::string_view labels) {
  return Hash(labels) + family * uint64_t{0x9E3779B97F4A7C15U};
}

// Bodies have the times of series in seconds, rounded up. So a series in use takes no bytes for it, and merging does not
// depend on the order.
constexpr uint64_t kSecondMs = 1'000;
uint64_t WholeSeconds(uint64_t unix_ms) { return unix_ms / kSecondMs + (unix_ms % kSecondMs == 0 ? 0 : 1); }

void WriteFamily(const Family& family, uint64_t unix_ms, ByteWriter& writer) {
  writer.Byte(static_cast<uint8_t>(BodyTag::kFamily));
  writer.Bytes(family.bytes);
  if (unix_ms == 0 || family.written_unix_ms == 0) return;
  writer.Byte(static_cast<uint8_t>(BodyTag::kTimes));
  writer.Fixed64(family.since_unix_ms);
  writer.Fixed64(family.written_unix_ms);
}

}  // namespace

uint64_t ExpositionBytes(const Declaration& declaration, std::string_view labels) {
  // A suffix, braces, a space, a value of ten digits and the end of the line.
  constexpr uint64_t kLineBytes = 22;
  // `="",` around a label.
  constexpr uint64_t kLabelBytes = 4;
  // `le="0.005",`
  constexpr uint64_t kBoundBytes = 11;
  // How many buckets of an exponential histogram are in use is not known yet.
  constexpr uint64_t kExponentialBuckets = 20;
  uint64_t line = kLineBytes + declaration.name.size() + declaration.unit.size();
  LabelIterator set(declaration.label_keys, labels);
  for (std::string_view key, value; set.Next(key, value);) line += key.size() + value.size() + kLabelBytes;
  uint64_t lines = declaration.kind == Kind::kCounter ? 2 : 1;
  uint64_t buckets = 0;
  if (declaration.kind == Kind::kHistogram) buckets = declaration.bounds.size() + 1;
  if (declaration.kind == Kind::kExponentialHistogram) buckets = kExponentialBuckets;
  if (buckets > 0) lines = buckets + 3;
  return lines * line + buckets * kBoundBytes;
}

uint32_t Store::FindFamily(std::string_view bytes, uint64_t hash, uint32_t guess) const {
  if (guess < families_.size() && SameBytes(families_[guess]->bytes, bytes)) return guess;
  return family_index_.Find(hash, [&](uint32_t number) { return SameBytes(families_[number]->bytes, bytes); });
}

bool Store::IsSeries(uint32_t series, uint32_t family, std::string_view labels) const {
  return series < series_.size() && series_[series].family == family && SameBytes(LabelsOf(series_[series]), labels);
}

uint32_t Store::FindSeries(uint32_t family, std::string_view labels, uint64_t hash) const {
  return series_index_.Find(hash, [&](uint32_t number) { return IsSeries(number, family, labels); });
}

uint32_t Store::Find(std::string_view family, std::string_view labels) const {
  const uint32_t number = FindFamily(family, Hash(family), kNone);
  return number == kNone ? kNone : FindSeries(number, labels, SeriesHash(number, labels));
}

Result<uint32_t> Store::AddFamily(std::string_view bytes) {
  const uint64_t hash = Hash(bytes);
  const uint32_t found = FindFamily(bytes, hash, kNone);
  if (found != kNone) return found;
  auto family = std::make_unique<Family>();
  if (const Error error = ReadDeclaration(bytes, family->declaration); error != Error::kOk) return error;
  if (families_.size() >= kMaxFamilies) return Error::kLimitReached;
  family->bytes = bytes;
  const auto number = static_cast<uint32_t>(families_.size());
  families_.push_back(std::move(family));
  family_index_.Add(hash, number);
  return number;
}

Result<uint32_t> Store::AddSeries(uint32_t family, std::string_view labels) {
  const uint64_t hash = SeriesHash(family, labels);
  const uint32_t found = FindSeries(family, labels, hash);
  if (found != kNone) return found;
  const Declaration& declaration = families_[family]->declaration;
  if (!AreLabels(labels, declaration.label_keys.size())) return Error::kCorrupt;
  const uint64_t bytes = ExpositionBytes(declaration, labels);
  const bool is_full = series_.size() >= limits_.series || families_[family]->series >= limits_.family_series ||
                       exposition_bytes_ + bytes > limits_.exposition_bytes;
  if (is_full && !labels.empty()) return Error::kLimitReached;
  exposition_bytes_ += bytes;
  ++families_[family]->series;
  const auto number = static_cast<uint32_t>(series_.size());
  Series& series = series_.emplace_back();
  series.family = family;
  series.labels_at = static_cast<uint32_t>(labels_.size());
  series.labels_size = static_cast<uint32_t>(labels.size());
  series.point = Point(declaration);
  labels_ += labels;
  series_index_.Add(hash, number);
  return number;
}

Error Store::CheckBody(ByteReader reader) const {
  PointReader points;
  Declaration unknown;
  const Declaration* declaration = nullptr;
  uint32_t family = kNone;
  while (reader.ok()) {
    const auto tag = static_cast<BodyTag>(reader.Byte());
    if (tag == BodyTag::kEnd) break;
    const std::string_view bytes = reader.Bytes();
    if (tag == BodyTag::kFamily) {
      family = FindFamily(bytes, Hash(bytes), family + 1);
      if (family != kNone) {
        declaration = &families_[family]->declaration;
        continue;
      }
      if (const Error error = ReadDeclaration(bytes, unknown); error != Error::kOk) return error;
      declaration = &unknown;
    } else if (tag == BodyTag::kSeries && declaration != nullptr) {
      if (!AreLabels(bytes, declaration->label_keys.size())) return Error::kCorrupt;
      points.Read(reader, *declaration, nullptr);
    } else {
      return Error::kCorrupt;
    }
  }
  return reader.Done() ? Error::kOk : Error::kCorrupt;
}

Error Store::MergeBody(ByteReader& reader, Changes* changes, uint64_t unix_ms) {
  uint32_t family = kNone;
  uint32_t series = kNone;
  uint64_t idle_seconds = 0;
  // A family past the limit is read too, to find its end.
  Declaration dropped;
  const Declaration* declaration = nullptr;
  while (reader.ok()) {
    const auto tag = static_cast<BodyTag>(reader.Byte());
    if (tag == BodyTag::kEnd) break;
    if (tag == BodyTag::kTimes && changes == nullptr && declaration != nullptr) {
      const uint64_t since_unix_ms = reader.Fixed64();
      const uint64_t written_unix_ms = reader.Fixed64();
      if (family != kNone) AddTimes(family, since_unix_ms, written_unix_ms);
      continue;
    }
    if (tag == BodyTag::kIdle && changes == nullptr) {
      idle_seconds = reader.Varint();
      continue;
    }
    const std::string_view bytes = reader.Bytes();
    if (tag == BodyTag::kFamily) {
      const Result<uint32_t> added = AddFamily(bytes);
      if (!added.ok() && added.error() != Error::kLimitReached) return added.error();
      family = added.ok() ? added.value() : kNone;
      if (!added.ok()) (void)ReadDeclaration(bytes, dropped);
      declaration = added.ok() ? &families_[family]->declaration : &dropped;
      if (changes != nullptr && added.ok()) changes->families.push_back(family);
      continue;
    }
    if (tag != BodyTag::kSeries || declaration == nullptr) return Error::kCorrupt;
    if (family == kNone) {
      points_.Read(reader, *declaration, nullptr);
      if (changes != nullptr) ++changes->series_dropped;
      continue;
    }
    // Bodies of one producer list the same series in the same order: the next series is a good guess.
    if (IsSeries(series + 1, family, bytes)) {
      ++series;
    } else {
      Result<uint32_t> added = AddSeries(family, bytes);
      if (!added.ok() && added.error() == Error::kLimitReached) {
        if (changes != nullptr) {
          ++changes->series_overflowed;
          changes->overflowed_family = family;
        }
        added = AddSeries(family, {});
      }
      if (!added.ok()) return added.error();
      series = added.value();
    }
    if (changes == nullptr) {
      points_.Read(reader, *declaration, &series_[series].point);
      const uint64_t seconds = WholeSeconds(unix_ms);
      AddWritten(series, idle_seconds < seconds ? (seconds - idle_seconds) * kSecondMs : 0);
      idle_seconds = 0;
    } else if (!IsGauge(declaration->kind)) {
      Point& point = series_[series].point;
      const uint64_t created = point.unix_ms;
      points_.Read(reader, *declaration, &point);
      if (point.unix_ms < changes->not_before_unix_ms) point.unix_ms = std::min(created, changes->not_before_unix_ms);
      changes->series.push_back(series);
    } else {
      Point gauge;
      points_.Read(reader, *declaration, &gauge);
      const double value = declaration->kind == Kind::kGaugeSum ? gauge.sum.ToDouble() : gauge.value;
      changes->gauges.push_back({series, gauge.unix_ms, value});
    }
  }
  return reader.Done() ? Error::kOk : Error::kCorrupt;
}

std::vector<uint32_t> Store::SortedFamilies() const {
  std::vector<uint32_t> families(families_.size());
  for (uint32_t i = 0; i < families.size(); ++i) families[i] = i;
  Sort(
      families,
      [](const void* store, uint32_t a, uint32_t b) {
        const auto& all = static_cast<const Store*>(store)->families_;
        return all[a]->bytes < all[b]->bytes;
      },
      this);
  return families;
}

std::vector<uint32_t> Store::Sorted() const {
  const std::vector<uint32_t> families = SortedFamilies();
  struct Ranked {
    const Store* store;
    std::vector<uint32_t> rank;
  } ranked{this, std::vector<uint32_t>(families.size())};
  for (uint32_t i = 0; i < families.size(); ++i) ranked.rank[families[i]] = i;

  std::vector<uint32_t> order(series_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  Sort(
      order,
      [](const void* context, uint32_t a, uint32_t b) {
        const auto& by = *static_cast<const Ranked*>(context);
        const Series& first = by.store->series_[a];
        const Series& second = by.store->series_[b];
        if (first.family != second.family) return by.rank[first.family] < by.rank[second.family];
        return by.store->LabelsOf(first) < by.store->LabelsOf(second);
      },
      &ranked);
  return order;
}

void Store::AddTimes(uint32_t family, uint64_t since_unix_ms, uint64_t written_unix_ms) {
  Family& times = *families_[family];
  const bool is_earlier = times.since_unix_ms == 0 || since_unix_ms < times.since_unix_ms;
  if (since_unix_ms != 0 && is_earlier) times.since_unix_ms = since_unix_ms;
  if (written_unix_ms > times.written_unix_ms) times.written_unix_ms = written_unix_ms;
}

void Store::AddWritten(uint32_t series, uint64_t written_unix_ms) {
  uint64_t& written = series_[series].written_unix_ms;
  if (written_unix_ms > written) written = written_unix_ms;
}

std::vector<uint32_t> Store::Keep(const std::vector<uint8_t>& flags, const std::vector<uint8_t>& kept_families) {
  std::vector<uint32_t> families(families_.size(), kNone);
  std::vector<uint32_t> numbers(series_.size(), kNone);
  Store kept;
  kept.SetLimits({.series = UINT32_MAX, .family_series = UINT32_MAX});
  // Ascending numbers keep the order: what stays changes as few chunks as possible.
  for (uint32_t i = 0; i < kept_families.size(); ++i) {
    if (kept_families[i] != 0) families[i] = 0;
  }
  for (uint32_t i = 0; i < series_.size(); ++i) {
    if (flags[i] != 0) families[series_[i].family] = 0;
  }
  for (uint32_t i = 0; i < families.size(); ++i) {
    if (families[i] == kNone) continue;
    const Family& family = *families_[i];
    families[i] = kept.AddFamily(family.bytes).value();
    kept.AddTimes(families[i], family.since_unix_ms, family.written_unix_ms);
  }
  for (uint32_t i = 0; i < series_.size(); ++i) {
    if (flags[i] == 0) continue;
    numbers[i] = kept.AddSeries(families[series_[i].family], LabelsOf(series_[i])).value();
    Series& series = kept.series_[numbers[i]];
    series.written_unix_ms = series_[i].written_unix_ms;
    series.point = std::move(series_[i].point);
  }
  kept.SetLimits(limits_);
  *this = std::move(kept);
  return numbers;
}

void Store::WriteBody(ByteWriter& writer, uint64_t unix_ms) const {
  uint32_t family = kNone;
  for (const uint32_t number : Sorted()) {
    const Series& series = series_[number];
    if (series.point.empty()) continue;
    if (series.family != family) {
      family = series.family;
      WriteFamily(*families_[family], unix_ms, writer);
    }
    const uint64_t written = WholeSeconds(series.written_unix_ms);
    if (written < WholeSeconds(unix_ms)) {
      writer.Byte(static_cast<uint8_t>(BodyTag::kIdle));
      writer.Varint(WholeSeconds(unix_ms) - written);
    }
    writer.Byte(static_cast<uint8_t>(BodyTag::kSeries));
    writer.Bytes(LabelsOf(series));
    WritePoint(series.point, families_[family]->declaration, writer);
  }
  if (unix_ms != 0) {
    for (const uint32_t number : SortedFamilies()) {
      if (families_[number]->series == 0) WriteFamily(*families_[number], unix_ms, writer);
    }
  }
  writer.Byte(static_cast<uint8_t>(BodyTag::kEnd));
}

}  // namespace isotel::metrics
