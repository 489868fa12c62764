// The exports of the module for Flue: argument checks and views on memory. flue/ does the work.
#include "abi/flue/isotel_flue.h"

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "abi/shared/answer.h"
#include "abi/shared/fingerprint.h"
#include "flue/correlator.h"
#include "flue/event.h"
#include "trace/attribute_budget.h"

namespace flue = isotel::flue;
using isotel::Error;
using isotel::abi::Answer;

namespace {

// Hashed at compile time: the rows themselves are not in the module.
constexpr uint32_t kFingerprint = isotel::abi::Fingerprint(
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
);

static_assert(flue::KnownIds::kCount == ISOTEL_FLUE_IDS);
static_assert(sizeof(flue::SpanOp) == ISOTEL_FLUE_OP_SIZE * sizeof(uint32_t));
static_assert(static_cast<uint32_t>(flue::OpCode::kEnd) == ISOTEL_FLUE_END);
static_assert(static_cast<uint32_t>(flue::OpCode::kLog) == ISOTEL_FLUE_LOG);
static_assert(static_cast<uint32_t>(flue::Role::kStart) == ISOTEL_FLUE_OPEN);
static_assert(static_cast<uint32_t>(flue::Role::kEnd) == ISOTEL_FLUE_END);
static_assert(static_cast<uint32_t>(flue::Role::kLog) == ISOTEL_FLUE_LOG);
static_assert(static_cast<uint32_t>(flue::Role::kInterrupt) == ISOTEL_FLUE_INTERRUPT);
static_assert(static_cast<uint32_t>(flue::Format::kV3) == ISOTEL_FLUE_V3);
static_assert(isotel::trace::kKeepAll == ISOTEL_FLUE_KEEP_ALL);
static_assert(ISOTEL_FLUE_SPAN_BYTES < isotel::kNativeSpanBytes);
static_assert(isotel::kIndexBits == ISOTEL_FLUE_SLOT_BITS && isotel::kMaxOpenFlueSpans <= isotel::kMaxSlots);

flue::Limits MakeLimits(uint32_t open_spans, double span_age_ms) {
  flue::Limits limits;
  if (open_spans > 0 && open_spans < limits.open_spans) limits.open_spans = open_spans;
  if (span_age_ms > 0) limits.span_age_ms = span_age_ms;
  return limits;
}

flue::Event MakeEvent(uint32_t event, uint32_t flags) {
  return {.type = static_cast<flue::EventType>(event),
          .is_compaction_turn = (flags & ISOTEL_FLUE_COMPACTION_TURN) != 0,
          .is_gen_ai = (flags & ISOTEL_FLUE_GEN_AI) != 0,
          .is_prompt = (flags & ISOTEL_FLUE_PROMPT) != 0,
          .is_skill = (flags & ISOTEL_FLUE_SKILL) != 0,
          .is_shell = (flags & ISOTEL_FLUE_SHELL) != 0,
          .is_task_tool = (flags & ISOTEL_FLUE_TASK_TOOL) != 0};
}

}  // namespace

struct isotel_flue {
  explicit isotel_flue(const flue::Limits& limits) : correlator(limits) {}

  int32_t Put(const std::vector<flue::SpanOp>& ops) {
    output = ops.data();
    return static_cast<int32_t>(ops.size());
  }

  flue::Correlator correlator;
  flue::KnownIds ids;
  isotel::abi::Buffer<> buffer;
  std::vector<uint32_t> plan;
  std::vector<isotel::trace::AttributeSize> sizes;
  const void* output = nullptr;
  double counters[1 + flue::kFlueCounterCount] = {};
};

extern "C" {

uint32_t isotel_flue_abi_version(void) { return ISOTEL_FLUE_ABI_VERSION; }

uint32_t isotel_flue_abi_fingerprint(void) { return kFingerprint; }

isotel_flue* isotel_flue_create(uint32_t open_spans, double span_age_ms) {
  return std::make_unique<isotel_flue>(MakeLimits(open_spans, span_age_ms)).release();
}

void isotel_flue_destroy(isotel_flue* context) { std::unique_ptr<isotel_flue>{context}.reset(); }

void* isotel_flue_buffer(isotel_flue* context, uint32_t size) { return context->buffer.Reserve(size); }

const void* isotel_flue_output(isotel_flue* context) { return context->output; }

int32_t isotel_flue_plan(isotel_flue* context, uint32_t format, uint32_t code, uint32_t span) {
  if (format >= static_cast<uint32_t>(flue::Format::kCount)) return Answer(Error::kOutOfRange);
  if (code > ISOTEL_FLUE_INTERRUPT) return Answer(Error::kOutOfRange);
  if (span >= static_cast<uint32_t>(flue::SpanType::kCount)) return Answer(Error::kOutOfRange);
  context->plan =
      flue::PlanOf(static_cast<flue::Format>(format), static_cast<flue::Role>(code), static_cast<flue::SpanType>(span));
  context->output = context->plan.data();
  return static_cast<int32_t>(context->plan.size());
}

int32_t isotel_flue_event(isotel_flue* context, uint32_t event, uint32_t flags, uint32_t ids, uint32_t length,
                          double now_ms) {
  if (event >= static_cast<uint32_t>(flue::EventType::kCount)) return Answer(Error::kOutOfRange);
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  flue::Event parsed = MakeEvent(event, flags);
  const Error error = context->ids.Read(ids, context->buffer.Text(length), parsed);
  if (error != Error::kOk) {
    context->correlator.Refuse();
    return Answer(error);
  }
  return context->Put(context->correlator.Take(parsed, now_ms));
}

uint32_t isotel_flue_find(isotel_flue* context, uint32_t event, uint32_t ids, uint32_t length) {
  if (event >= static_cast<uint32_t>(flue::EventType::kCount) || !context->buffer.Holds(length)) return 0;
  flue::Event parsed = MakeEvent(event, 0);
  if (context->ids.Read(ids, context->buffer.Text(length), parsed) != Error::kOk) return 0;
  return context->correlator.Find(parsed);
}

int32_t isotel_flue_end_all(isotel_flue* context) { return context->Put(context->correlator.EndAll()); }

int32_t isotel_flue_fit(isotel_flue* context, uint32_t count, uint32_t available_bytes) {
  uint32_t entry[2];
  if (!context->buffer.Holds(uint64_t{count} * sizeof(entry))) return Answer(Error::kOutOfRange);
  context->sizes.resize(count);
  context->plan.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    std::memcpy(entry, context->buffer.data() + i * sizeof(entry), sizeof(entry));
    context->sizes[i] = {entry[0], entry[1] & ~ISOTEL_FLUE_CUTTABLE, (entry[1] & ISOTEL_FLUE_CUTTABLE) != 0};
  }
  (void)isotel::trace::Fit(context->sizes, available_bytes, available_bytes, context->plan);
  context->output = context->plan.data();
  return static_cast<int32_t>(count);
}

void* isotel_flue_counters(isotel_flue* context) {
  context->counters[0] = context->correlator.open_spans();
  for (size_t i = 0; i < flue::kFlueCounterCount; ++i) {
    const auto counter = static_cast<flue::FlueCounter>(i);
    context->counters[1 + i] = static_cast<double>(context->correlator.Count(counter));
  }
  return context->counters;
}

}  // extern "C"
