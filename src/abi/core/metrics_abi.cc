// The exports about metrics: argument checks and views on memory. metrics/ and genai/ do the work.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "abi/core/context.h"
#include "abi/core/isotel_abi.h"
#include "metrics/bounds.h"

using isotel::Error;
using isotel::Result;
using isotel::abi::Answer;
namespace metrics = isotel::metrics;

namespace {

static_assert(sizeof(metrics::ProducerId) == 16);

template <typename T>
T ReadAt(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Splits bytes into parts. AddsUp() has checked their sizes.
class Parts {
 public:
  explicit Parts(std::string_view bytes) : bytes_(bytes) {}
  std::string_view Take(size_t size) {
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view bytes_;
};

// Returns whether `bytes` consists of `count` sizes, `fixed` bytes of other texts and texts of these sizes.
bool AddsUp(std::string_view bytes, uint32_t count, uint64_t fixed) {
  const uint64_t sizes_bytes = uint64_t{count} * sizeof(uint32_t);
  if (sizes_bytes > bytes.size()) return false;
  uint64_t sum = sizes_bytes + fixed;
  for (uint32_t i = 0; i < count; ++i) sum += ReadAt<uint32_t>(bytes, i * sizeof(uint32_t));
  return sum == bytes.size();
}

bool ParseDeclaration(std::string_view bytes, metrics::Declaration& declaration) {
  if (bytes.size() < ISOTEL_DECLARATION_BYTES) return false;
  const auto word = [bytes](size_t at) { return ReadAt<uint32_t>(bytes, at); };
  const uint32_t kind = word(ISOTEL_DECLARATION_KIND);
  const uint32_t label_count = word(ISOTEL_DECLARATION_LABEL_COUNT);
  const uint32_t bound_count = word(ISOTEL_DECLARATION_BOUND_COUNT);
  const uint32_t name_size = word(ISOTEL_DECLARATION_NAME_SIZE);
  const uint32_t unit_size = word(ISOTEL_DECLARATION_UNIT_SIZE);
  const uint32_t help_size = word(ISOTEL_DECLARATION_HELP_SIZE);
  if (kind >= metrics::kKindCount || bound_count > isotel::kMaxBounds || label_count > isotel::kMaxLabels) return false;

  Parts parts(bytes.substr(ISOTEL_DECLARATION_BYTES));
  const std::string_view bounds = parts.Take(bound_count * sizeof(double));
  if (bounds.size() != bound_count * sizeof(double)) return false;
  const std::string_view rest = bytes.substr(ISOTEL_DECLARATION_BYTES + bounds.size());
  if (!AddsUp(rest, label_count, uint64_t{name_size} + unit_size + help_size)) return false;
  const std::string_view sizes = parts.Take(label_count * sizeof(uint32_t));

  declaration.kind = static_cast<metrics::Kind>(kind);
  declaration.name = parts.Take(name_size);
  declaration.unit = parts.Take(unit_size);
  declaration.help = parts.Take(help_size);
  for (uint32_t i = 0; i < label_count; ++i) {
    declaration.label_keys.emplace_back(parts.Take(ReadAt<uint32_t>(sizes, i * sizeof(uint32_t))));
  }
  for (uint32_t i = 0; i < bound_count; ++i) declaration.bounds.push_back(ReadAt<double>(bounds, i * sizeof(double)));
  if (declaration.kind != metrics::Kind::kExponentialHistogram) return true;
  declaration.schema = ReadAt<int32_t>(bytes, ISOTEL_DECLARATION_SCHEMA);
  if (word(ISOTEL_DECLARATION_MAX_BUCKETS) != 0) declaration.max_buckets = word(ISOTEL_DECLARATION_MAX_BUCKETS);
  const double threshold = ReadAt<double>(bytes, ISOTEL_DECLARATION_ZERO_THRESHOLD);
  if (!(threshold < 0)) declaration.zero_threshold = threshold;
  return true;
}

// Returns false for NaN.
bool IsWithin(double value, double low, double high) { return value >= low && value <= high; }

Result<std::vector<double>> Generate(uint32_t generator, double a, double b, uint32_t count) {
  switch (generator) {
    case ISOTEL_BOUNDS_LINEAR:
      return metrics::LinearBounds(a, b, count);
    case ISOTEL_BOUNDS_EXPONENTIAL:
      return metrics::ExponentialBounds(a, b, count);
    case ISOTEL_BOUNDS_PER_DECADE:
      // PerDecadeBounds() refuses values outside of these ranges. The conversion to integers needs them.
      if (!IsWithin(a, -99, 99) || !IsWithin(b, 0, 99)) return Error::kInvalidBounds;
      return metrics::PerDecadeBounds(static_cast<int>(a), count, static_cast<uint32_t>(b));
    default:
      return Error::kOutOfRange;
  }
}

}  // namespace

extern "C" {

int32_t isotel_metrics_open(isotel_context* context) {
  metrics::ProducerId producer;
  if (!context->buffer.Holds(sizeof producer)) return Answer(Error::kOutOfRange);
  if (context->registry != nullptr) return Answer(Error::kConflict);
  std::memcpy(producer.data(), context->buffer.data(), sizeof producer);
  context->registry = std::make_unique<metrics::Registry>(producer);
  return Answer(Error::kOk);
}

int32_t isotel_metrics_bounds(isotel_context* context, uint32_t generator, double a, double b, uint32_t count) {
  const Result<std::vector<double>> bounds = Generate(generator, a, b, count);
  if (!bounds.ok()) return Answer(bounds.error());
  const std::vector<double>& values = bounds.value();
  context->buffer.Put({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
  return static_cast<int32_t>(values.size());
}

int32_t isotel_metrics_declare(isotel_context* context, uint32_t length) {
  if (context->registry == nullptr || !context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  metrics::Declaration declaration;
  if (!ParseDeclaration(context->buffer.Text(length), declaration)) return Answer(Error::kOutOfRange);
  const auto max_series = ReadAt<uint32_t>(context->buffer.Text(length), ISOTEL_DECLARATION_MAX_SERIES);
  const bool is_built_in = ReadAt<uint32_t>(context->buffer.Text(length), ISOTEL_DECLARATION_BUILT_IN) != 0;
  const auto origin = is_built_in ? metrics::Registry::Origin::kBuiltIn : metrics::Registry::Origin::kHost;
  return Answer(context->registry->Declare(std::move(declaration), max_series, origin));
}

int32_t isotel_metrics_constant_labels(isotel_context* context, uint32_t length) {
  if (context->registry == nullptr || !context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return Answer(context->registry->SetConstantLabels(context->buffer.Text(length)));
}

int32_t isotel_metrics_bind(isotel_context* context, uint32_t family, uint32_t length, double now_unix_ms) {
  if (context->registry == nullptr || !context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const Result<uint32_t> count = context->registry->LabelCount(family);
  if (!count.ok()) return Answer(count);
  const std::string_view bytes = context->buffer.Text(length);
  if (!AddsUp(bytes, count.value(), 0)) return Answer(Error::kOutOfRange);
  Parts parts(bytes);
  const std::string_view sizes = parts.Take(count.value() * sizeof(uint32_t));
  std::string_view values[isotel::kMaxLabels];
  for (uint32_t i = 0; i < count.value(); ++i) values[i] = parts.Take(ReadAt<uint32_t>(sizes, i * sizeof(uint32_t)));
  return Answer(context->registry->Bind(family, {values, count.value()}, now_unix_ms));
}

int32_t isotel_metrics_record(isotel_context* context, uint32_t row, double value) {
  return context->registry == nullptr ? Answer(Error::kOutOfRange) : Answer(context->registry->Record(row, value));
}

int32_t isotel_metrics_record_exemplar(isotel_context* context, uint32_t row, double value, double now_unix_ms) {
  metrics::Exemplar exemplar{.value = value, .unix_ms = metrics::ToUnixMs(now_unix_ms)};
  constexpr size_t kBytes = sizeof exemplar.trace_id + sizeof exemplar.span_id;
  if (context->registry == nullptr || !context->buffer.Holds(kBytes)) return Answer(Error::kOutOfRange);
  std::memcpy(exemplar.trace_id.data(), context->buffer.data(), sizeof exemplar.trace_id);
  std::memcpy(exemplar.span_id.data(), context->buffer.data() + sizeof exemplar.trace_id, sizeof exemplar.span_id);
  return Answer(context->registry->Record(row, exemplar));
}

int32_t isotel_metrics_add(isotel_context* context, uint32_t row, double value) {
  return context->registry == nullptr ? Answer(Error::kOutOfRange) : Answer(context->registry->Add(row, value));
}

int32_t isotel_metrics_flush(isotel_context* context, double now_unix_ms, uint32_t refresh_gauges) {
  if (context->registry == nullptr) return Answer(Error::kOutOfRange);
  return static_cast<int32_t>(context->registry->Flush(now_unix_ms, refresh_gauges != 0));
}

int32_t isotel_metrics_frame(isotel_context* context, uint32_t index) {
  if (context->registry == nullptr || index >= context->registry->pending().size()) return Answer(Error::kOutOfRange);
  const metrics::Registry::Frame& frame = context->registry->pending()[index];
  context->block.result[0] = static_cast<double>(frame.sequence);
  return context->buffer.Put(frame.bytes);
}

int32_t isotel_metrics_commit(isotel_context* context, double sequence) {
  constexpr auto kMax = static_cast<double>(metrics::kMaxSequence);
  if (context->registry == nullptr || !IsWithin(sequence, 1, kMax)) return Answer(Error::kOutOfRange);
  return Answer(context->registry->Commit(static_cast<uint64_t>(sequence)));
}

int32_t isotel_metrics_status(isotel_context* context) {
  if (context->registry == nullptr) return Answer(Error::kOutOfRange);
  const metrics::Registry& registry = *context->registry;
  double* result = context->block.result;
  result[ISOTEL_METRICS_FAMILIES] = registry.families();
  result[ISOTEL_METRICS_ROWS] = registry.rows();
  result[ISOTEL_METRICS_DIRTY] = registry.dirty() ? 1 : 0;
  result[ISOTEL_METRICS_PENDING_FRAMES] = static_cast<double>(registry.pending().size());
  result[ISOTEL_METRICS_LABEL_SETS_OVERFLOWED] = static_cast<double>(registry.label_sets_overflowed());
  result[ISOTEL_METRICS_INVALID_VALUES] = static_cast<double>(registry.invalid_values());
  result[ISOTEL_METRICS_REPLACED] = registry.replaced_families();
  return ISOTEL_METRICS_REPLACED + 1;
}

int32_t isotel_genai_metrics(isotel_context* context, uint32_t flags, uint32_t length) {
  if (context->registry == nullptr || !context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const bool former_names = (flags & ISOTEL_GENAI_FORMER_NAMES) != 0;
  const uint32_t max_values = flags >> ISOTEL_GENAI_VALUES_SHIFT;
  const std::string_view currency = context->buffer.Text(length);
  return Answer(context->recorder.EnableMetrics(*context->registry, former_names, currency, max_values));
}

int32_t isotel_genai_price(isotel_context* context, uint32_t length, double input, double output, double cache_read,
                           double cache_write) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return Answer(context->recorder.SetPrice(context->buffer.Text(length), {input, output, cache_read, cache_write}));
}

}  // extern "C"
