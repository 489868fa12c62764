// The exports about identifiers and W3C headers.
#include <array>
#include <cstring>

#include "abi/otlp/otlp_context.h"
#include "base/json_text.h"
#include "context/sampler.h"
#include "context/trace_parent.h"
#include "context/trace_state.h"
#include "otlp/span_identity.h"

namespace w3c = isotel::context;
using isotel::Error;
using isotel::Result;
using isotel::abi::Answer;

static_assert(static_cast<uint32_t>(w3c::Parent::kSampled) == ISOTEL_PARENT_SAMPLED);

extern "C" {

int32_t isotel_otlp_seed(isotel_otlp* context) {
  w3c::IdGenerator::Seed seed;
  if (!context->buffer.Holds(sizeof seed)) return Answer(Error::kOutOfRange);
  std::memcpy(seed.data(), context->buffer.data(), sizeof seed);
  return Answer(context->ids.SetSeed(seed) ? Error::kOk : Error::kInvalidValue);
}

int32_t isotel_otlp_ids(isotel_otlp* context, uint32_t count) {
  if (!context->ids.has_seed() || count > ISOTEL_OTLP_MAX_IDS) return Answer(Error::kOutOfRange);
  isotel::ByteWriter& digits = context->output.Clear();
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t id = context->ids.Next();
    isotel::WriteHex({reinterpret_cast<const char*>(&id), sizeof id}, digits);
  }
  return context->output.Written();
}

int32_t isotel_otlp_sample(isotel_otlp* context, uint32_t parent, double ratio) {
  constexpr uint32_t kDigits = 32;
  if (parent > ISOTEL_PARENT_SAMPLED || !context->buffer.Holds(kDigits)) return Answer(Error::kOutOfRange);
  isotel::otlp::TraceId trace_id;
  if (!isotel::otlp::ReadId(context->buffer.Text(kDigits), trace_id)) return Answer(Error::kInvalidValue);
  return w3c::ShouldSample(static_cast<w3c::Parent>(parent), trace_id, ratio) ? 1 : 0;
}

int32_t isotel_otlp_trace_parent(isotel_otlp* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const Result<w3c::TraceParent> parent = w3c::ParseTraceParent(context->buffer.Text(length));
  if (!parent.ok()) return Answer(parent.error());
  constexpr size_t kTraceIdAt = 3;
  constexpr size_t kSize = 55;
  context->output.Clear().Raw({parent.value().trace_id.data() - kTraceIdAt, kSize});
  (void)context->output.Written();
  return parent.value().flags;
}

int32_t isotel_otlp_trace_state(isotel_otlp* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return context->output.Written(w3c::ParseTraceState(context->buffer.Text(length), context->output.Clear()));
}

}  // extern "C"
