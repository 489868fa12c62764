#include "exposition/exposed_families.h"

#include <algorithm>

#include "base/sort.h"
#include "metrics/labels.h"

namespace isotel::exposition {
namespace {

using metrics::Declaration;
using metrics::Kind;
using metrics::Point;

// Returns the counts for the bounds of `to`, a subset of `from`.
std::vector<uint64_t> OnBounds(const std::vector<uint64_t>& counts, const std::vector<double>& from,
                               const std::vector<double>& to) {
  std::vector<uint64_t> merged(to.size() + 1);
  size_t at = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    while (at < to.size() && i < from.size() && to[at] < from[i]) ++at;
    merged[i < from.size() ? at : to.size()] += counts[i];
  }
  return merged;
}

void MergePoint(const Declaration& from_declaration, const Point& from, Declaration& declaration, Point& into) {
  if (declaration.kind != Kind::kHistogram || from_declaration.bounds == declaration.bounds) {
    declaration.zero_threshold = std::max(declaration.zero_threshold, from_declaration.zero_threshold);
    into.Merge(from, declaration);
    return;
  }
  std::vector<double> shared;
  for (const double bound : from_declaration.bounds) {
    if (std::binary_search(declaration.bounds.begin(), declaration.bounds.end(), bound)) shared.push_back(bound);
  }
  into.counts = OnBounds(into.counts, declaration.bounds, shared);
  Point moved;
  moved.unix_ms = from.unix_ms;
  moved.sum = from.sum;
  moved.counts = OnBounds(from.counts, from_declaration.bounds, shared);
  declaration.bounds = std::move(shared);
  into.Merge(moved, declaration);
  const metrics::Exemplars before = std::move(into.exemplars);
  into.exemplars.Clear();
  into.exemplars.Merge(before, declaration);
  into.exemplars.Merge(from.exemplars, declaration);
}

// Returns the labels that are set, independent of the declaration.
std::string LabelText(const ExposedSeries& series) {
  std::string text;
  metrics::LabelIterator labels(*series.keys, series.labels);
  for (std::string_view key, value; labels.Next(key, value);) {
    text += key;
    text += '\0';
    text += value;
    text += '\0';
  }
  return text;
}

bool ByText(const void* context, uint32_t a, uint32_t b) {
  const auto& texts = *static_cast<const std::vector<std::string>*>(context);
  return texts[a] != texts[b] ? texts[a] < texts[b] : a < b;
}

}  // namespace

ExposedFamilies::ExposedFamilies(const metrics::Snapshot& snapshot, const ExposeOptions& options) {
  const metrics::Store& store = snapshot.store();
  for (const auto& family : store.families()) AddSource(family->declaration, options.escaping);
  for (const uint32_t number : store.Sorted()) {
    const metrics::Series& series = store.series()[number];
    if (series.point.empty()) continue;
    Source& source = *sources_[series.family];
    source.since_unix_ms = std::min(source.since_unix_ms, series.point.unix_ms);
    source.series.push_back({source.declaration, &source.keys, store.LabelsOf(series), &series.point});
  }
  if (options.self_metrics) AddSelfMetrics(snapshot, options);

  std::vector<uint32_t> order;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < sources_.size(); ++i) {
    names.push_back(sources_[i]->name);
    if (!sources_[i]->series.empty()) order.push_back(i);
  }
  Sort(order, ByText, &names);
  for (size_t first = 0; first < order.size();) {
    size_t end = first;
    while (end < order.size() && names[order[end]] == names[order[first]]) ++end;
    AddGroup(order, first, end);
    first = end;
  }
}

ExposedFamilies::Source& ExposedFamilies::AddSource(const Declaration& declaration, Escaping escaping) {
  sources_.push_back(std::make_unique<Source>());
  Source& source = *sources_.back();
  source.declaration = &declaration;
  source.unit = UnitWord(declaration);
  source.name = Escape(BaseName(declaration, source.unit), escaping, true);
  if (!source.name.ends_with(source.unit)) source.unit.clear();
  for (const std::string& key : declaration.label_keys) {
    std::string escaped = Escape(key, escaping, false);
    // Two names may escape to one.
    while (std::find(source.keys.begin(), source.keys.end(), escaped) != source.keys.end()) escaped += '_';
    source.keys.push_back(std::move(escaped));
  }
  return source;
}

void ExposedFamilies::AddSelfMetric(std::string_view name, Kind kind, std::string_view unit, std::string_view help,
                                    double value, const ExposeOptions& options) {
  owned_.push_back(std::make_unique<Owned>());
  Owned& owned = *owned_.back();
  owned.declaration.name = name;
  owned.declaration.kind = kind;
  owned.declaration.unit = unit;
  owned.declaration.help = help;
  owned.point.unix_ms = 0;
  owned.point.sum = metrics::Sum::From(value);
  Source& source = AddSource(owned.declaration, options.escaping);
  source.since_unix_ms = 0;
  source.series.push_back({&owned.declaration, &source.keys, {}, &owned.point});
}

void ExposedFamilies::AddSelfMetrics(const metrics::Snapshot& snapshot, const ExposeOptions& options) {
  const metrics::SnapshotInfo& info = snapshot.info();
  struct Row {
    std::string_view metric;
    std::string_view help;
    Kind kind;
  };
  static constexpr Row kRows[] = {
#define ISOTEL_AGGREGATOR_COUNTER(counter, kind, metric, help) {metric, help, Kind::kind},
#include "metrics/aggregator_counters.def"
#undef ISOTEL_AGGREGATOR_COUNTER
  };
  for (uint32_t i = 0; i < metrics::kAggregatorCounterCount; ++i) {
    const uint64_t value = info.counters[static_cast<metrics::AggregatorCounter>(i)];
    AddSelfMetric(kRows[i].metric, kRows[i].kind, {}, kRows[i].help, static_cast<double>(value), options);
  }
  AddSelfMetric("isotel_snapshot_version", Kind::kGaugeSum, {}, "Version of the snapshot that is shown.",
                static_cast<double>(info.version), options);
  AddSelfMetric("isotel_snapshots_missing", Kind::kGaugeSum, {}, "Shards without a snapshot.",
                static_cast<double>(options.missing_snapshots), options);
  if (info.version == 0) return;
  const double age_ms = options.now_unix_ms - static_cast<double>(info.unix_ms);
  AddSelfMetric("isotel_snapshot_age", Kind::kGaugeSum, "s", "Age of the snapshot that is shown.",
                age_ms > 0 ? age_ms / 1000 : 0, options);
}

void ExposedFamilies::AddGroup(const std::vector<uint32_t>& order, size_t first, size_t end) {
  const Source* newest = sources_[order[first]].get();
  for (size_t i = first + 1; i < end; ++i) {
    const Source* source = sources_[order[i]].get();
    if (source->since_unix_ms > newest->since_unix_ms) newest = source;
  }
  ExposedFamily family;
  family.name = newest->name;
  family.unit = newest->unit;
  family.help = newest->declaration->help;
  family.kind = newest->declaration->kind;
  if (end - first == 1) {
    family.series = std::move(sources_[order[first]]->series);
  } else {
    for (size_t i = first; i < end; ++i) {
      const Source& source = *sources_[order[i]];
      if (source.declaration->kind != family.kind) continue;
      for (const ExposedSeries& series : source.series) family.series.push_back(series);
    }
    MergeEqualSeries(family.series);
  }
  families_.push_back(std::move(family));
}

void ExposedFamilies::MergeEqualSeries(std::vector<ExposedSeries>& series) {
  std::vector<std::string> texts;
  std::vector<uint32_t> order;
  for (const ExposedSeries& one : series) {
    order.push_back(static_cast<uint32_t>(texts.size()));
    texts.push_back(LabelText(one));
  }
  Sort(order, ByText, &texts);
  std::vector<ExposedSeries> merged;
  Owned* owned = nullptr;
  for (size_t i = 0; i < order.size(); ++i) {
    const ExposedSeries& one = series[order[i]];
    if (i == 0 || texts[order[i]] != texts[order[i - 1]]) {
      merged.push_back(one);
      owned = nullptr;
      continue;
    }
    ExposedSeries& into = merged.back();
    if (owned == nullptr) {
      owned_.push_back(std::make_unique<Owned>());
      owned = owned_.back().get();
      // Only the fields that rendering and merging read.
      owned->declaration.kind = into.declaration->kind;
      owned->declaration.bounds = into.declaration->bounds;
      owned->declaration.zero_threshold = into.declaration->zero_threshold;
      owned->declaration.schema = into.declaration->schema;
      owned->declaration.max_buckets = into.declaration->max_buckets;
      owned->point = Point(owned->declaration);
      owned->point.Merge(*into.point, owned->declaration);
      into.declaration = &owned->declaration;
      into.point = &owned->point;
    }
    MergePoint(*one.declaration, *one.point, owned->declaration, owned->point);
  }
  series = std::move(merged);
}

}  // namespace isotel::exposition
