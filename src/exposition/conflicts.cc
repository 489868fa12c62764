#include "exposition/conflicts.h"

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

bool HasName(const Declaration& declaration, std::string_view name) {
  constexpr std::string_view kTotal = "_total";
  if (name == declaration.name) return true;
  if (declaration.kind == Kind::kCounter && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  const std::string base = BaseName(declaration, UnitWord(declaration));
  return name == base || name == Escape(base, Escaping::kUnderscores, true);
}

}  // namespace isotel::exposition
