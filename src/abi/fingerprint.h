// A hash of every code the host shares with the core by number. ISOTEL_ABI_VERSION says that the two were meant for each
// other; this says that they were built from the same tables.
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel::abi {

/// FNV-1a, 32 bits, over `text`, going on from `hash`.
constexpr uint32_t Fnv1a(std::string_view text, uint32_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  return hash;
}

/// The rows of the tables of the core module in the order below, each as its first two cells and a newline.
constexpr uint32_t Fingerprint() {
  constexpr std::string_view kRows =
#define ISOTEL_FIELD(name, type, agents_key, agents_spans, latest_key, latest_spans, phase) #name "," #type "\n"
#include "genai/fields.def"
#undef ISOTEL_FIELD
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) #name "," #code "\n"
#include "genai/operations.def"
#undef ISOTEL_OPERATION
#define ISOTEL_PROFILE(name, code, wire_name) #name "," #code "\n"
#include "genai/profiles.def"
#undef ISOTEL_PROFILE
#define ISOTEL_OUTCOME(name, code) #name "," #code "\n"
#include "trace/outcomes.def"
#undef ISOTEL_OUTCOME
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
#define ISOTEL_COUNTER(name, wire_name) #name "," wire_name "\n"
#include "base/counters.def"
#undef ISOTEL_COUNTER
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) #name "," #code "\n"
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
#define ISOTEL_GENAI_LABEL(name, field) #name "," #field "\n"
#include "genai/labels.def"
#undef ISOTEL_GENAI_LABEL
#define ISOTEL_HOST_LIMIT(name, value, type) #name "," #value "\n"
#include "base/host_limits.def"
#undef ISOTEL_HOST_LIMIT
      ;
  return Fnv1a(kRows, 2166136261U);
}

/// The same for the tables of the aggregation module.
constexpr uint32_t AggregateFingerprint() {
  constexpr std::string_view kRows =
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
#define ISOTEL_FORMAT(name, code, content_type) #name "," #code "\n"
#include "export/formats.def"
#undef ISOTEL_FORMAT
#define ISOTEL_AGGREGATOR_COUNTER(name, kind, metric, help) #name "," #kind "\n"
#include "metrics/aggregator_counters.def"
#undef ISOTEL_AGGREGATOR_COUNTER
      ;
  return Fnv1a(kRows, 2166136261U);
}

/// The same for the tables of the OTLP module.
constexpr uint32_t OtlpFingerprint() {
  constexpr std::string_view kRows =
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
      ;
  return Fnv1a(kRows, 2166136261U);
}

/// The same for the tables of the module for Flue.
constexpr uint32_t FlueFingerprint() {
  constexpr std::string_view kRows =
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
#define ISOTEL_FLUE_EVENT(name, type, role, span, asks, time, ids) #name "," type "\n"
#include "flue/events.def"
#undef ISOTEL_FLUE_EVENT
#define ISOTEL_FLUE_SPAN(name, prefix, kind, as, target, target_v3, failure) #name "," prefix "\n"
#include "flue/spans.def"
#undef ISOTEL_FLUE_SPAN
#define ISOTEL_FLUE_ENDING(name, message) #name "," message "\n"
#include "flue/endings.def"
#undef ISOTEL_FLUE_ENDING
#define ISOTEL_FLUE_FIELD(name, key, type, content, formats, role, spans, path) #name "," key "\n"
#include "flue/fields.def"
#undef ISOTEL_FLUE_FIELD
#define ISOTEL_FLUE_COUNTER(name, wire_name) #name "," wire_name "\n"
#include "flue/counters.def"
#undef ISOTEL_FLUE_COUNTER
      ;
  return Fnv1a(kRows, 2166136261U);
}

}  // namespace isotel::abi
