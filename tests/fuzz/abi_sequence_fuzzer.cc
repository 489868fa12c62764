// Plays any sequence of calls with any arguments, on any memory: a span is open from the call that
// opens it to the one that ends it, plans name each field once and known texts only, untraced spans have none, and
// an aggregator takes every frame of metrics.
#include <array>
#include <set>
#include <string>

#include "abi/core/isotel_abi.h"
#include "base/error.h"
#include "fuzz_input.h"
#include "genai/fields.h"
#include "metrics/aggregator.h"

namespace {

using isotel::fuzz::Require;

struct Player : isotel::fuzz::Input {
  using Input::Input;
  isotel_context* context = isotel_create();
  std::array<uint32_t, 64> handles{};  // so that arguments name live spans and scopes often
  size_t next_handle = 0;
  std::set<uint32_t> open_spans{};
  std::set<uint32_t> untraced_spans{};

  uint32_t Handle() {
    const auto choice = Take<uint8_t>();
    return choice < 200 ? handles[choice % handles.size()] : Take<uint32_t>();
  }
  void Remember(uint32_t handle) { handles[next_handle++ % handles.size()] = handle; }
  void* Exchange(size_t at) { return static_cast<uint8_t*>(isotel_shared_block(context)) + at; }
  void Scribble() {
    const bool in_exchange = Take<uint8_t>() % 2 == 0;
    const uint32_t size = in_exchange ? ISOTEL_BLOCK_BYTES : 4'096;
    void* target = in_exchange ? Exchange(0) : isotel_buffer(context, size);
    const uint32_t at = Take<uint16_t>() % size;
    Read(static_cast<uint8_t*>(target) + at, std::min<size_t>(size - at, Take<uint8_t>()));
  }
  void CheckPlan(int32_t entries) {
    std::set<uint32_t> fields;
    const auto* entry = static_cast<const uint32_t*>(Exchange(ISOTEL_BLOCK_PLAN));
    for (int32_t i = 0; i < entries; ++i, entry += 2) {
      const uint32_t field = entry[0] & 0xFF;
      Require(field < isotel::genai::kFieldCount && fields.insert(field).second);
      const uint32_t source = entry[0] >> 8;
      if (source != ISOTEL_SOURCE_INTERNED && source != ISOTEL_SOURCE_INTERNED_LIST) continue;
      Require(isotel_text(context, entry[1]) >= 0);
    }
  }
  void Open(double time) {
    const uint32_t operation = Take<uint8_t>() % 8;
    const uint32_t parent = Handle();
    const uint32_t scope = Handle();
    const uint32_t flags = Number();
    const uint32_t span = isotel_span_open(context, operation, parent, scope, flags, time);
    if (span != 0) Require(open_spans.insert(span).second);
    if (span != 0 && (flags & ISOTEL_SPAN_UNTRACED) != 0) untraced_spans.insert(span);
    Remember(span);
  }
  void Start() {
    const uint32_t span = Handle();
    const int32_t entries = isotel_span_start(context, span, Number());
    Require(entries <= 0 || untraced_spans.count(span) == 0);
    CheckPlan(entries);
  }
  void End(double time) {
    const uint32_t span = Handle();
    const uint32_t outcome = Take<uint8_t>() % 4;
    const int32_t entries = isotel_span_end(context, span, outcome, Number(), time, Number(), Number(), Number());
    CheckPlan(entries);
    const bool asked = entries == static_cast<int32_t>(isotel::Error::kNeedExactSizes);
    Require((entries >= 0 || asked) == (open_spans.count(span) == 1));
    Require(entries <= 0 || untraced_spans.count(span) == 0);
    if (entries >= 0) open_spans.erase(span);
  }
  void Metrics(uint32_t call, double time) {
    if (call == 20) (void)isotel_span_next_chunk(context, Handle(), time);
    if (call == 21) (void)isotel_metrics_open(context);
    if (call == 22) (void)isotel_genai_metrics(context, Number(), Number());
    if (call == 24) (void)isotel_metrics_constant_labels(context, Number());
    if (call == 23) (void)isotel_genai_price(context, Number(), time, Take<double>(), Take<uint16_t>(), time);
  }
  void CheckFrames() {
    isotel::metrics::Aggregator aggregator(isotel::metrics::AggregatorOptions{});
    const int32_t frames = isotel_metrics_flush(context, 1'000, 0);
    for (int32_t i = 0; i < frames; ++i) {
      const int32_t length = isotel_metrics_frame(context, static_cast<uint32_t>(i));
      Require(length > 0);
      const std::string frame(static_cast<const char*>(isotel_buffer(context, 0)), static_cast<size_t>(length));
      Require(aggregator.Apply(frame, 1'000).error() == isotel::Error::kOk);
    }
  }
  void Texts(uint32_t call, uint32_t length) {
    if (call == 12) Remember(isotel_intern(context, length, Take<uint8_t>()));
    if (call == 13) Require(isotel_text(context, length) <= int32_t{1} << 20);
    if (call == 14) Require(isotel_span_name(context, Number(), length) <= 64);
    if (call == 15) Require(isotel_cut_name(context, length) <= 64);
    if (call == 16) (void)isotel_provider_name(context, length);
    if (call == 17) (void)isotel_metadata_key(context, Number(), length);
    if (call == 18) (void)isotel_keys(context, length);
  }
  void Play() {
    const double time = Take<uint8_t>() % 4 == 0 ? Take<double>() : Take<uint16_t>();
    const uint32_t call = Take<uint8_t>() % 25;
    if (call == 0) Remember(isotel_scope_open(context));
    if (call == 1) Require(isotel_scope_spans(context, Handle(), Number()) <= 1'000);
    if (call == 2) (void)isotel_scope_close(context, Handle());
    if (call == 3 || call == 4) Open(time);
    if (call == 5) Start();
    if (call == 6) (void)isotel_span_reserve(context, Handle(), Number(), Number(), Number());
    if (call == 7) Require(isotel_span_fit(context, Handle(), Number(), Number()) <= 128);
    if (call == 8) (void)isotel_span_first_chunk(context, Handle(), time);
    if (call == 9) (void)isotel_span_status(context, Handle(), Number());
    if (call == 10 || call == 11) End(time);
    if (call >= 12 && call < 19) Texts(call, Number());
    if (call == 19) Scribble();
    if (call >= 20) Metrics(call, time);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Player player(data, size);
  while (!player.empty()) player.Play();
  (void)isotel_counters(player.context);
  const auto* counters = static_cast<const double*>(player.Exchange(ISOTEL_BLOCK_RESULT));
  Require(counters[0] == counters[1] + static_cast<double>(player.open_spans.size()));
  player.CheckFrames();
  isotel_destroy(player.context);
  return 0;
}
