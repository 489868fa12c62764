// The exports of the aggregation module: argument checks and views on memory. metrics/, exposition/ and otlp/ do the
// work.
#include "abi/aggregate/isotel_aggregate.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "abi/shared/answer.h"
#include "abi/shared/fingerprint.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/number_text.h"
#include "exposition/conflicts.h"
#include "exposition/exposition.h"
#include "exposition/negotiation.h"
#include "metrics/aggregator.h"
#include "metrics/frame.h"
#include "metrics/snapshot.h"
#include "otlp/metric_delta.h"
#include "otlp/metrics.h"

namespace exposition = isotel::exposition;
namespace metrics = isotel::metrics;
namespace otlp = isotel::otlp;
using isotel::Error;
using isotel::Result;
using isotel::abi::Answer;

namespace {

// Hashed at compile time: the rows themselves are not in the module.
constexpr uint32_t kFingerprint = isotel::abi::Fingerprint(
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
#define ISOTEL_FORMAT(name, code, content_type) #name "," #code "\n"
#include "exposition/formats.def"
#undef ISOTEL_FORMAT
#define ISOTEL_AGGREGATOR_COUNTER(name, kind, metric, help) #name "," #kind "\n"
#include "metrics/aggregator_counters.def"
#undef ISOTEL_AGGREGATOR_COUNTER
);

static_assert(static_cast<uint32_t>(exposition::Escaping::kUtf8) == ISOTEL_ESCAPING_UTF8);
static_assert(static_cast<uint32_t>(metrics::Aggregator::Applied::kDuplicate) == ISOTEL_DUPLICATE);
// Returns a limit between 1 and `most`.
uint64_t Limit(double limit, double most) { return static_cast<uint64_t>(limit >= 1 ? std::min(limit, most) : 1); }

void WriteText(std::string_view key, std::string_view text, isotel::ByteWriter& writer) {
  writer.Raw(key);
  isotel::WriteQuoted(text, writer);
}

void WriteNumber(std::string_view key, uint64_t number, isotel::ByteWriter& writer) {
  writer.Raw(key);
  char* const start = writer.Reserve(isotel::kMaxNumberBytes);
  writer.Advance(static_cast<size_t>(isotel::WriteUint(number, start) - start));
}

static_assert(ISOTEL_REMOVED_KEY == metrics::kRemovedKey && ISOTEL_ARCHIVED_KEY == metrics::kArchivedKey);
static_assert(ISOTEL_PRODUCER_AT == metrics::kRecordIdAt);
static_assert(ISOTEL_PRODUCER_BYTES == sizeof(metrics::ProducerId));
static_assert(ISOTEL_RECORD_SEEN_AT == ISOTEL_PRODUCER_AT + ISOTEL_PRODUCER_BYTES);
static_assert(ISOTEL_OTLP_POINTS < ISOTEL_AGGREGATE_RESULT_COUNT);

}  // namespace

struct isotel_aggregate {
  explicit isotel_aggregate(const metrics::AggregatorOptions& options) : totals(options) {}

  /// Reads what the buffer has of a stored producer. Returns false without an identifier.
  bool ReadStored(uint32_t length, double seen_unix_ms, metrics::Producers::Stored& stored) const {
    if (!buffer.Holds(length) || length < stored.id.size()) return false;
    const std::string_view bytes = buffer.Text(length);
    std::memcpy(stored.id.data(), bytes.data(), stored.id.size());
    stored.last_seen_unix_ms = metrics::ToUnixMs(seen_unix_ms);
    stored.record = bytes.substr(stored.id.size());
    return true;
  }

  /// Notes the conflicts of the families from `known` on. Returns whether there are any.
  bool NoteConflicts(size_t known) {
    const metrics::Store& store = totals.store();
    uint64_t count = 0;
    for (size_t i = known; i < store.families().size(); ++i) {
      const uint32_t other = exposition::FindConflict(store, static_cast<uint32_t>(i));
      if (other == metrics::Store::kNone) continue;
      ++count;
      const metrics::Declaration& own = store.families()[i]->declaration;
      const metrics::Declaration& first = store.families()[other]->declaration;
      isotel::ByteWriter writer;
      WriteText(conflicts.empty() ? "{\"metric\":" : ",{\"metric\":", own.name, writer);
      WriteText(",\"kind\":", metrics::Info(own.kind).text, writer);
      WriteText(",\"other\":", first.name, writer);
      WriteText(",\"otherKind\":", metrics::Info(first.kind).text, writer);
      writer.Byte('}');
      conflicts += writer.view();
    }
    if (count > 0) totals.CountConflicts(count);
    return count > 0;
  }

  /// Notes the first family that reached a limit. Returns whether it just did.
  bool NoteOverflow() {
    const uint32_t family = totals.TakeOverflowedFamily();
    if (family == metrics::Store::kNone || has_overflowed) return false;
    has_overflowed = true;
    const metrics::Store& store = totals.store();
    isotel::ByteWriter writer;
    WriteText("{\"metric\":", store.families()[family]->declaration.name, writer);
    WriteNumber(",\"series\":", store.series().size(), writer);
    WriteNumber(",\"bytes\":", store.exposition_bytes(), writer);
    writer.Byte('}');
    overflowed = writer.view();
    return true;
  }

  metrics::Aggregator totals;
  std::string conflicts;   // the objects of a JSON list
  std::string overflowed;  // a JSON object
  bool has_overflowed = false;
  std::unique_ptr<metrics::Snapshot> snapshot = std::make_unique<metrics::Snapshot>();
  std::unique_ptr<metrics::Snapshot> base = std::make_unique<metrics::Snapshot>();
  double results[ISOTEL_AGGREGATE_RESULT_COUNT] = {};
  isotel::abi::Buffer<otlp::BatchReader::kSlackBytes> buffer;
  isotel::abi::Output output;
};

extern "C" {

uint32_t isotel_aggregate_abi_version(void) { return ISOTEL_AGGREGATE_ABI_VERSION; }

uint32_t isotel_aggregate_abi_fingerprint(void) { return kFingerprint; }

isotel_aggregate* isotel_aggregate_create(double producer_retention_ms, double gauge_expiry_ms, double series_expiry_ms,
                                          double max_series, double max_family_series, double max_exposition_bytes) {
  const bool expires = series_expiry_ms <= isotel::kMaxExactInteger;
  const metrics::AggregatorOptions options{
      .producer_retention_ms = metrics::ToUnixMs(producer_retention_ms),
      .gauge_expiry_ms = metrics::ToUnixMs(gauge_expiry_ms),
      .archive_after_ms = metrics::ToUnixMs(2 * gauge_expiry_ms),
      .series_expiry_ms = expires ? metrics::ToUnixMs(series_expiry_ms) : metrics::kNeverMs,
      .limits = {.series = static_cast<uint32_t>(Limit(max_series, isotel::kMaxSeries)),
                 .family_series = static_cast<uint32_t>(Limit(max_family_series, isotel::kMaxSeries)),
                 .exposition_bytes = Limit(max_exposition_bytes, isotel::kMaxExactInteger)}};
  return std::make_unique<isotel_aggregate>(options).release();
}

void isotel_aggregate_destroy(isotel_aggregate* context) { std::unique_ptr<isotel_aggregate>{context}.reset(); }

void* isotel_aggregate_results(isotel_aggregate* context) { return context->results; }

void* isotel_aggregate_buffer(isotel_aggregate* context, uint32_t size) { return context->buffer.Reserve(size); }

void* isotel_aggregate_output(isotel_aggregate* context) { return context->output.data(); }

int32_t isotel_aggregate_totals_load(isotel_aggregate* context, uint32_t key, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return Answer(context->totals.Load(key, context->buffer.Text(length)));
}

int32_t isotel_aggregate_totals_ready(isotel_aggregate* context) { return Answer(context->totals.FinishLoad()); }

int32_t isotel_aggregate_totals_missing(isotel_aggregate* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return context->output.Written(context->totals.AppendMissing(context->buffer.Text(length), context->output.Clear()));
}

int32_t isotel_aggregate_totals_restore(isotel_aggregate* context, uint32_t length, double seen_unix_ms) {
  metrics::Producers::Stored stored;
  if (!context->ReadStored(length, seen_unix_ms, stored)) return Answer(Error::kOutOfRange);
  const bool is_known = stored.record.empty();
  const Error error = context->totals.Restore(stored);
  if (error == Error::kRecordDamaged) return is_known ? ISOTEL_RESTORED : ISOTEL_RECORD_DAMAGED;
  return Answer(error == Error::kUnknownVersion ? Error::kOk : error);
}

int32_t isotel_aggregate_totals_apply(isotel_aggregate* context, uint32_t length, double now_unix_ms) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const size_t known = context->totals.store().families().size();
  const Result<metrics::Aggregator::Applied> applied = context->totals.Apply(context->buffer.Text(length), now_unix_ms);
  if (!applied.ok()) return Answer(applied.error());
  const bool has_conflicts = context->NoteConflicts(known);
  const bool has_overflow = context->NoteOverflow();
  return has_conflicts || has_overflow ? ISOTEL_APPLIED_WITH_NOTICES : static_cast<int32_t>(applied.value());
}

int32_t isotel_aggregate_totals_notices(isotel_aggregate* context) {
  isotel::ByteWriter& writer = context->output.Clear();
  writer.Raw("{\"conflicts\":[");
  writer.Raw(context->conflicts);
  writer.Raw("],\"overflowed\":");
  writer.Raw(context->overflowed.empty() ? "null" : context->overflowed);
  writer.Byte('}');
  context->conflicts.clear();
  context->overflowed.clear();
  return context->output.Written();
}

int32_t isotel_aggregate_totals_expire_series(isotel_aggregate* context, double now_unix_ms, uint32_t others) {
  const metrics::Store* const store = others != 0 ? &context->snapshot->store() : nullptr;
  const std::vector<uint8_t> kept = exposition::OldestVariants(context->totals.store(), store);
  const Result<uint32_t> expired = context->totals.ExpireSeries(now_unix_ms, store, kept);
  if (!expired.ok()) return Answer(expired.error());
  const uint64_t next = context->totals.NextSeriesExpiryUnixMs();
  context->results[0] = next == metrics::kNeverMs ? 0 : static_cast<double>(next);
  return static_cast<int32_t>(expired.value());
}

int32_t isotel_aggregate_totals_drop(isotel_aggregate* context, uint32_t length, double now_unix_ms) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const std::string_view name = context->buffer.Text(length);
  std::vector<uint8_t> flags;
  for (const auto& family : context->totals.store().families()) {
    flags.push_back(name.empty() || exposition::HasName(family->declaration, name) ? 1 : 0);
  }
  const std::vector<uint8_t> kept = exposition::OldestVariants(context->totals.store(), nullptr, flags);
  const Result<uint32_t> dropped = context->totals.Drop(flags, now_unix_ms, kept);
  return dropped.ok() ? static_cast<int32_t>(dropped.value()) : Answer(dropped.error());
}

int32_t isotel_aggregate_totals_prune(isotel_aggregate* context, double now_unix_ms) {
  bool removed = false;
  const Error error = context->totals.Prune(now_unix_ms, &removed);
  return error == Error::kOk ? static_cast<int32_t>(removed) : Answer(error);
}

int32_t isotel_aggregate_totals_expire(isotel_aggregate* context, uint32_t length, double seen_unix_ms,
                                       double now_unix_ms) {
  metrics::Producers::Stored stored;
  if (!context->ReadStored(length, seen_unix_ms, stored)) return Answer(Error::kOutOfRange);
  const Result<bool> expired = context->totals.Expire(stored, now_unix_ms);
  return expired.ok() ? static_cast<int32_t>(expired.value()) : Answer(expired.error());
}

int32_t isotel_aggregate_totals_next_prune(isotel_aggregate* context, double oldest_unix_ms) {
  const bool has_records = oldest_unix_ms < static_cast<double>(metrics::kMaxUnixMs);
  const uint64_t oldest = has_records ? metrics::ToUnixMs(oldest_unix_ms) : UINT64_MAX;
  const uint64_t next = context->totals.NextPruneUnixMs(oldest);
  if (next == UINT64_MAX) return 0;
  context->results[0] = static_cast<double>(next);
  return 1;
}

int32_t isotel_aggregate_totals_changes(isotel_aggregate* context) {
  return context->output.Written(context->totals.TakeChanges(context->output.writer()));
}

int32_t isotel_aggregate_totals_count(isotel_aggregate* context, uint32_t counter, double amount) {
  return Answer(context->totals.CountHost(counter, amount));
}

int32_t isotel_aggregate_totals_snapshot(isotel_aggregate* context, double now_unix_ms) {
  return context->output.Written(context->totals.WriteSnapshot(now_unix_ms, context->output.Clear()));
}

int32_t isotel_aggregate_frame_shard(isotel_aggregate* context, uint32_t length, uint32_t shards) {
  if (shards == 0 || !context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const Result<metrics::ProducerId> producer = metrics::ProducerOf(context->buffer.Text(length));
  if (!producer.ok()) return Answer(producer.error());
  return static_cast<int32_t>(metrics::ShardOf(producer.value(), shards));
}

int32_t isotel_aggregate_snapshot_clear(isotel_aggregate* context) {
  context->snapshot = std::make_unique<metrics::Snapshot>();
  return Answer(Error::kOk);
}

int32_t isotel_aggregate_snapshot_merge(isotel_aggregate* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const Error error = context->snapshot->Merge(context->buffer.Text(length));
  if (error != Error::kOk) context->snapshot = std::make_unique<metrics::Snapshot>();
  return Answer(error);
}

int32_t isotel_aggregate_snapshot_peek(isotel_aggregate* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const Result<metrics::SnapshotInfo> info = metrics::PeekSnapshot(context->buffer.Text(length));
  if (!info.ok()) return Answer(info.error());
  context->results[ISOTEL_SNAPSHOT_VERSION] = static_cast<double>(info.value().version);
  context->results[ISOTEL_SNAPSHOT_UNIX_MS] = static_cast<double>(info.value().unix_ms);
  return Answer(Error::kOk);
}

int32_t isotel_aggregate_snapshot_render(isotel_aggregate* context, uint32_t format, uint32_t escaping,
                                         uint32_t self_metrics, uint32_t missing, double now_unix_ms) {
  if (format >= exposition::kFormatCount || escaping >= exposition::kEscapingCount) return Answer(Error::kOutOfRange);
  const exposition::ExposeOptions options{.escaping = static_cast<exposition::Escaping>(escaping),
                                          .self_metrics = self_metrics != 0,
                                          .missing_snapshots = missing,
                                          .now_unix_ms = now_unix_ms};
  exposition::Render(*context->snapshot, static_cast<exposition::Format>(format), options, context->output.writer());
  return context->output.Written();
}

int32_t isotel_aggregate_base_read(isotel_aggregate* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  context->base = std::make_unique<metrics::Snapshot>();
  const Error error = length == 0 ? Error::kOk : context->base->Merge(context->buffer.Text(length));
  if (error != Error::kOk) context->base = std::make_unique<metrics::Snapshot>();
  return Answer(error);
}

int32_t isotel_aggregate_base_take(isotel_aggregate* context, uint32_t first, uint32_t end) {
  otlp::RecordExported(*context->snapshot, first, end, *context->base);
  return Answer(Error::kOk);
}

int32_t isotel_aggregate_base_write(isotel_aggregate* context) {
  context->base->Write(context->output.Clear());
  return context->output.Written();
}

int32_t isotel_aggregate_snapshot_otlp(isotel_aggregate* context, uint32_t format, uint32_t temporality, uint32_t first,
                                       uint32_t end, uint32_t enough_bytes, uint32_t numbers, uint32_t keys,
                                       uint32_t words, uint32_t text_bytes, uint32_t text_units, uint32_t raw_bytes) {
  const otlp::BatchSizes sizes{.numbers = numbers,
                               .keys = keys,
                               .words = words,
                               .text_bytes = text_bytes,
                               .text_units = text_units,
                               .raw_bytes = raw_bytes};
  if (format > static_cast<uint32_t>(otlp::Format::kJson) || temporality > ISOTEL_TEMPORALITY_DELTA ||
      !context->buffer.Holds(sizes.Total())) {
    return Answer(Error::kOutOfRange);
  }
  otlp::BatchReader head(context->buffer.data(), sizes);
  const otlp::MetricsOptions options{.format = static_cast<otlp::Format>(format),
                                     .temporality = static_cast<otlp::Temporality>(temporality),
                                     .before = context->base.get(),
                                     .first = first,
                                     .end = end,
                                     .enough_bytes = enough_bytes};
  const auto [request, next, points] = otlp::EncodeMetrics(head, *context->snapshot, options, context->output.writer());
  if (request.error != Error::kOk) return Answer(request.error);
  context->results[ISOTEL_OTLP_NEXT] = next;
  context->results[ISOTEL_OTLP_SERIES] = static_cast<double>(context->snapshot->store().series().size());
  context->results[ISOTEL_OTLP_POINTS] = points;
  return context->output.Written(request.start, request.size);
}

int32_t isotel_aggregate_negotiate(isotel_aggregate* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const exposition::Choice choice = exposition::Negotiate(context->buffer.Text(length));
  return static_cast<int32_t>(static_cast<uint32_t>(choice.format) | static_cast<uint32_t>(choice.escaping) << 8);
}

int32_t isotel_aggregate_content_type(isotel_aggregate* context, uint32_t format, uint32_t escaping) {
  if (format >= exposition::kFormatCount || escaping >= exposition::kEscapingCount) return Answer(Error::kOutOfRange);
  context->output.Clear().Raw(
      exposition::ContentType(static_cast<exposition::Format>(format), static_cast<exposition::Escaping>(escaping)));
  return context->output.Written();
}

}  // extern "C"
