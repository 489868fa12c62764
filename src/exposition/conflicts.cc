#include "exposition/conflicts.h"

#include <algorithm>
#include <span>

#include "exposition/metric_names.h"

namespace isotel::exposition {
namespace {

using metrics::Declaration;
using metrics::Kind;

std::span<const std::string_view> SuffixesOf(Kind kind) {
  static constexpr std::string_view kOfCounter[] = {"", "_total", "_created"};
  static constexpr std::string_view kOfHistogram[] = {"", "_bucket", "_sum", "_count", "_created"};
  if (kind == Kind::kCounter) return kOfCounter;
  if (metrics::IsHistogram(kind)) return kOfHistogram;
  return std::span(kOfCounter).first(1);
}

}  // namespace

NamedMetric NamedMetricOf(const Declaration& declaration) {
  return {Escape(BaseName(declaration, UnitWord(declaration)), Escaping::kUnderscores, true), declaration.kind};
}

bool ShareNames(const NamedMetric& a, const NamedMetric& b) {
  if (a.name.size() < b.name.size()) return ShareNames(b, a);
  // Only then can suffixes make the names equal.
  if (!a.name.starts_with(b.name)) return false;
  const std::string_view rest = std::string_view(a.name).substr(b.name.size());
  for (const std::string_view of_a : SuffixesOf(a.kind)) {
    for (const std::string_view of_b : SuffixesOf(b.kind)) {
      if (of_b.size() == rest.size() + of_a.size() && of_b.starts_with(rest) && of_b.ends_with(of_a)) return true;
    }
  }
  return false;
}

std::string DefinitionKey(const Declaration& declaration) {
  Declaration key;
  key.name = declaration.name;
  key.kind = metrics::IsGauge(declaration.kind) ? Kind::kGaugeLast : declaration.kind;
  key.bounds = declaration.bounds;
  key.schema = declaration.schema;
  key.zero_threshold = declaration.zero_threshold;
  ByteWriter writer;
  Write(key, writer);
  return std::string(writer.view());
}

uint32_t FindConflict(const metrics::Store& store, uint32_t family) {
  const Declaration& declaration = store.families()[family]->declaration;
  const NamedMetric named = NamedMetricOf(declaration);
  const std::string key = DefinitionKey(declaration);
  uint32_t found = metrics::Store::kNone;
  for (uint32_t i = 0; i < family; ++i) {
    const Declaration& other = store.families()[i]->declaration;
    const bool is_same = other.kind == declaration.kind && DefinitionKey(other) == key;
    if (is_same || !ShareNames(named, NamedMetricOf(other))) continue;
    // An earlier definition of the same metric tells most.
    if (other.kind == declaration.kind && other.name == declaration.name) return i;
    if (found == metrics::Store::kNone) found = i;
  }
  return found;
}

std::vector<uint8_t> OldestVariants(const metrics::Store& store, const metrics::Store* others,
                                    const std::vector<uint8_t>& removed) {
  struct Variant {
    std::string key;
    uint64_t since_unix_ms = UINT64_MAX;
    bool stays = false;
    std::vector<uint32_t> families;  // of `store`
  };
  struct Metric {
    NamedMetric named;
    std::vector<Variant> variants;
  };
  const auto class_of = [](Kind kind) { return metrics::IsHistogram(kind) ? 2 : metrics::IsGauge(kind) ? 1 : 0; };
  std::vector<Metric> metrics;
  const auto add = [&](const metrics::Family& family) -> Variant& {
    NamedMetric named = NamedMetricOf(family.declaration);
    size_t at = 0;
    while (at < metrics.size() &&
           (metrics[at].named.name != named.name || class_of(metrics[at].named.kind) != class_of(named.kind))) {
      ++at;
    }
    if (at == metrics.size()) metrics.emplace_back().named = std::move(named);
    std::vector<Variant>& variants = metrics[at].variants;
    std::string key = DefinitionKey(family.declaration);
    size_t of = 0;
    while (of < variants.size() && variants[of].key != key) ++of;
    if (of == variants.size()) variants.emplace_back().key = std::move(key);
    variants[of].since_unix_ms = std::min(variants[of].since_unix_ms, family.since_unix_ms);
    return variants[of];
  };
  for (uint32_t i = 0; i < store.families().size(); ++i) {
    Variant& variant = add(*store.families()[i]);
    variant.families.push_back(i);
    if (store.families()[i]->series > 0 && (i >= removed.size() || removed[i] == 0)) variant.stays = true;
  }
  if (others != nullptr) {
    for (const auto& family : others->families()) {
      Variant& variant = add(*family);
      if (family->series > 0) variant.stays = true;
    }
  }
  std::vector<uint8_t> flags(store.families().size(), 0);
  for (const Metric& metric : metrics) {
    const Variant* oldest = metric.variants.data();
    for (const Variant& variant : metric.variants) {
      const bool is_older = variant.since_unix_ms != oldest->since_unix_ms
                                ? variant.since_unix_ms < oldest->since_unix_ms
                                : variant.key < oldest->key;
      if (is_older) oldest = &variant;
    }
    for (const Variant& variant : metric.variants) {
      if (&variant == oldest || !variant.stays) continue;
      for (const uint32_t family : oldest->families) flags[family] = 1;
    }
  }
  return flags;
}

bool HasName(const Declaration& declaration, std::string_view name) {
  constexpr std::string_view kTotal = "_total";
  if (name == declaration.name) return true;
  if (declaration.kind == Kind::kCounter && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  const std::string base = BaseName(declaration, UnitWord(declaration));
  return name == base || name == Escape(base, Escaping::kUnderscores, true);
}

}  // namespace isotel::exposition
