#include "exposition/exposed_families.h"

#include <algorithm>

#include "base/json_text.h"
#include "base/sort.h"
#include "exposition/conflicts.h"
#include "metrics/labels.h"

namespace isotel::exposition {
namespace {

using metrics::Declaration;
using metrics::Kind;
using metrics::Point;

// Merges a point of a declaration with the same buckets.
void MergePoint(const Declaration& from_declaration, const Point& from, Declaration& declaration, Point& into) {
  if (metrics::IsGauge(declaration.kind) && declaration.kind != from_declaration.kind) {
    const double value = metrics::IsSum(from_declaration.kind) ? from.sum.ToDouble() : from.value;
    into.MergeGauge(declaration.kind, from.unix_ms, value);
    return;
  }
  into.Merge(from, declaration);
}

std::string DefinitionOf(std::string_view key) {
  ByteWriter hash;
  hash.Fixed32(static_cast<uint32_t>(Hash(key)));
  ByteWriter text;
  WriteHex(hash.view(), text);
  return std::string(text.view());
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
  for (const auto& family : store.families()) {
    Source& source = AddSource(family->declaration, options.escaping);
    source.since_unix_ms = family->since_unix_ms;
    source.written_unix_ms = family->written_unix_ms;
  }
  for (const uint32_t number : store.Sorted()) {
    const metrics::Series& series = store.series()[number];
    if (series.point.empty() || snapshot.IsExpired(series, options.now_unix_ms)) continue;
    Source& source = *sources_[series.family];
    source.series.push_back({source.declaration, &source.keys, store.LabelsOf(series), &series.point});
  }
  if (options.self_metrics) AddSelfMetrics(snapshot, options);
  AddGroups(snapshot.info().unix_ms);
  SeparateNames();
}

void ExposedFamilies::AddGroups(uint64_t now_unix_ms) {
  std::vector<uint32_t> order;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < sources_.size(); ++i) {
    names.push_back(sources_[i]->name);
    order.push_back(i);
  }
  Sort(order, ByText, &names);
  Sources group;
  for (size_t i = 0; i < order.size(); ++i) {
    group.push_back(sources_[order[i]].get());
    if (i + 1 < order.size() && names[order[i + 1]] == names[order[i]]) continue;
    AddGroup(group, now_unix_ms);
    group.clear();
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
    // Two names may escape to one, or to one that histograms have.
    const auto is_taken = [&] {
      const bool is_le = escaped == "le" && metrics::IsHistogram(declaration.kind);
      return is_le || escaped == kDefinitionLabel ||
             std::find(source.keys.begin(), source.keys.end(), escaped) != source.keys.end();
    };
    while (is_taken()) escaped += '_';
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

void ExposedFamilies::AddGroup(const Sources& group, uint64_t now_unix_ms) {
  Sources counters;
  Sources histograms;
  Sources gauges;
  for (Source* const source : group) {
    const Kind kind = source->declaration->kind;
    (metrics::IsHistogram(kind) ? histograms : metrics::IsGauge(kind) ? gauges : counters).push_back(source);
  }
  const size_t first = families_.size();
  AddVariants(counters, now_unix_ms);
  const size_t others = families_.size();
  AddVariants(histograms, now_unix_ms);
  AddVariants(gauges, now_unix_ms);
  for (size_t i = first; i < others; ++i) families_[i].has_shared_name = others < families_.size();
}

ExposedFamily& ExposedFamilies::AddFamily(const Sources& sources) {
  const Source* newest = sources.front();
  for (const Source* const source : sources) {
    if (source->since_unix_ms > newest->since_unix_ms) newest = source;
  }
  ExposedFamily& family = families_.emplace_back();
  family.name = newest->name;
  family.declaration = newest->declaration;
  for (const Source* const source : sources) {
    const uint64_t since = source->since_unix_ms;
    if (family.since_unix_ms == 0 || (since != 0 && since < family.since_unix_ms)) family.since_unix_ms = since;
    family.written_unix_ms = std::max(family.written_unix_ms, source->written_unix_ms);
  }
  family.unit = newest->unit;
  family.help = newest->declaration->help;
  family.kind = newest->declaration->kind;
  if (sources.size() == 1) {
    family.series = std::move(sources.front()->series);
    return family;
  }
  for (const Source* const source : sources) {
    for (const ExposedSeries& series : source->series) family.series.push_back(series);
  }
  MergeEqualSeries(family.kind, family.series);
  return family;
}

void ExposedFamilies::AddVariants(const Sources& sources, uint64_t now_unix_ms) {
  struct Variant {
    std::string key;
    Sources sources;  // with series
    uint64_t since_unix_ms = UINT64_MAX;
    uint64_t written_unix_ms = 0;
  };
  std::vector<Variant> variants;
  for (Source* const source : sources) {
    std::string key = DefinitionKey(*source->declaration);
    size_t at = 0;
    while (at < variants.size() && variants[at].key != key) ++at;
    if (at == variants.size()) variants.emplace_back().key = std::move(key);
    Variant& variant = variants[at];
    if (!source->series.empty()) variant.sources.push_back(source);
    variant.since_unix_ms = std::min(variant.since_unix_ms, source->since_unix_ms);
    variant.written_unix_ms = std::max(variant.written_unix_ms, source->written_unix_ms);
  }
  std::vector<uint32_t> order(variants.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  Sort(
      order,
      [](const void* context, uint32_t a, uint32_t b) {
        const auto& all = *static_cast<const std::vector<Variant>*>(context);
        if (all[a].since_unix_ms != all[b].since_unix_ms) return all[a].since_unix_ms < all[b].since_unix_ms;
        return all[a].key < all[b].key;
      },
      &variants);

  // The newest of those in use. If none is in use, the one that was used last.
  const auto is_used = [&](const Variant& variant) {
    return variant.written_unix_ms + kSupersededAfterMs >= now_unix_ms;
  };
  const Variant* current = nullptr;
  for (const uint32_t i : order) {
    const Variant& variant = variants[i];
    if (variant.sources.empty()) continue;
    const bool is_later = current == nullptr || variant.written_unix_ms >= current->written_unix_ms;
    if (is_used(variant) || (is_later && (current == nullptr || !is_used(*current)))) current = &variant;
  }
  for (const uint32_t i : order) {
    if (variants[i].sources.empty()) continue;
    ExposedFamily& family = AddFamily(variants[i].sources);
    if (i != order.front()) family.definition = DefinitionOf(variants[i].key);
    family.is_superseded = metrics::IsHistogram(family.kind) && &variants[i] != current;
  }
}

size_t ExposedFamilies::FirstNamed(std::string_view name) const {
  size_t at = 0;
  for (size_t end = families_.size(); at < end;) {
    const size_t middle = (at + end) / 2;
    families_[middle].name < name ? at = middle + 1 : end = middle;
  }
  return at;
}

bool ExposedFamilies::IsSampleOfAnother(std::string_view name) const {
  static constexpr std::string_view kSuffixes[] = {"", "_bucket", "_sum", "_count", "_created", "_total"};
  for (const std::string_view suffix : kSuffixes) {
    if (!name.ends_with(suffix)) continue;
    const std::string_view base = name.substr(0, name.size() - suffix.size());
    for (size_t i = FirstNamed(base); i < families_.size() && families_[i].name == base; ++i) {
      const bool is_of_counter = suffix == "_total" || suffix == "_created";
      const bool is_of_histogram = suffix != "_total";
      const Kind kind = families_[i].kind;
      if (metrics::IsHistogram(kind) ? is_of_histogram : kind == Kind::kCounter && is_of_counter) return true;
    }
  }
  return false;
}

void ExposedFamilies::SeparateNames() {
  // Applied at the end: a search by name needs the names as they are.
  std::vector<std::pair<size_t, std::string>> renamed;
  for (size_t i = 0; i < families_.size(); ++i) {
    if (!metrics::IsGauge(families_[i].kind)) continue;
    std::string name = families_[i].name;
    const auto is_taken = [&] {
      const size_t at = FirstNamed(name);
      const bool is_other = name != families_[i].name && at < families_.size() && families_[at].name == name;
      return is_other || IsSampleOfAnother(name);
    };
    while (is_taken()) name += "_gauge";
    if (name != families_[i].name) renamed.emplace_back(i, std::move(name));
  }
  if (renamed.empty()) return;
  for (auto& [i, name] : renamed) {
    families_[i].name = std::move(name);
    families_[i].unit.clear();
  }
  std::vector<uint32_t> order(families_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  Sort(
      order,
      [](const void* context, uint32_t a, uint32_t b) {
        const auto& all = *static_cast<const std::vector<ExposedFamily>*>(context);
        return all[a].name != all[b].name ? all[a].name < all[b].name : a < b;
      },
      &families_);
  std::vector<ExposedFamily> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order) sorted.push_back(std::move(families_[i]));
  families_ = std::move(sorted);
}

void ExposedFamilies::MergeEqualSeries(Kind kind, std::vector<ExposedSeries>& series) {
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
    const bool is_new = i == 0 || texts[order[i]] != texts[order[i - 1]];
    if (is_new) {
      merged.push_back(one);
      owned = nullptr;
      // The value of a gauge is where its kind has it.
      if (one.declaration->kind == kind) continue;
    }
    ExposedSeries& into = merged.back();
    if (owned == nullptr) {
      owned_.push_back(std::make_unique<Owned>());
      owned = owned_.back().get();
      // Only the fields that rendering and merging read.
      owned->declaration.kind = kind;
      owned->declaration.bounds = into.declaration->bounds;
      owned->declaration.zero_threshold = into.declaration->zero_threshold;
      owned->declaration.schema = into.declaration->schema;
      owned->declaration.max_buckets = into.declaration->max_buckets;
      owned->point = Point(owned->declaration);
      MergePoint(*into.declaration, *into.point, owned->declaration, owned->point);
      into.declaration = &owned->declaration;
      into.point = &owned->point;
      if (is_new) continue;
    }
    MergePoint(*one.declaration, *one.point, owned->declaration, owned->point);
  }
  series = std::move(merged);
}

}  // namespace isotel::exposition
