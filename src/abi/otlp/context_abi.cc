// The exports about identifiers and W3C headers.
#include <array>
#include <cstring>

#include "abi/otlp/otlp_context.h"
#include "context/baggage.h"
#include "context/sampler.h"
#include "context/trace_parent.h"
#include "context/trace_state.h"
#include "otlp/json_text.h"
#include "otlp/span_identity.h"

namespace w3c = isotel::context;
using isotel::Error;
using isotel::Result;
using isotel::abi::Answer;

static_assert(static_cast<uint32_t>(w3c::Parent::kSampled) == ISOTEL_PARENT_SAMPLED);

namespace {

constexpr uint32_t kMemberTexts = 3;

}  // namespace

extern "C" {

int32_t isotel_otlp_seed(isotel_otlp* context) {
  w3c::IdGenerator::Seed seed;
  if (!context->buffer.Holds(sizeof seed)) return Answer(Error::kOutOfRange);
  std::memcpy(seed.data(), context->buffer.data(), sizeof seed);
  return Answer(context->ids.SetSeed(seed) ? Error::kOk : Error::kInvalidValue);
}

int32_t isotel_otlp_ids(isotel_otlp* context, uint32_t count) {
  if (!context->ids.has_seed() || count > ISOTEL_OTLP_MAX_IDS) return Answer(Error::kOutOfRange);
  isotel::metrics::ByteWriter& digits = context->output.Clear();
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t id = context->ids.Next();
    isotel::otlp::WriteHex({reinterpret_cast<const char*>(&id), sizeof id}, digits);
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

int32_t isotel_otlp_trace_state_with(isotel_otlp* context, uint32_t state_length, uint32_t key_length,
                                     uint32_t value_length) {
  if (!context->buffer.Holds(uint64_t{state_length} + key_length + value_length)) return Answer(Error::kOutOfRange);
  const char* const key = context->buffer.data() + state_length;
  return context->output.Written(w3c::WithMember(context->buffer.Text(state_length), {key, key_length},
                                                 {key + key_length, value_length}, context->output.Clear()));
}

int32_t isotel_otlp_baggage(isotel_otlp* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  isotel::metrics::ByteWriter& sizes = context->output.Clear();
  isotel::metrics::ByteWriter texts;
  w3c::BaggageReader members(context->buffer.Text(length));
  int32_t count = 0;
  for (w3c::BaggageMember member; members.Next(member); ++count) {
    const size_t value_at = texts.size() + member.key.size();
    texts.Raw(member.key);
    w3c::DecodeBaggageValue(member.value, texts);
    sizes.Fixed32(static_cast<uint32_t>(member.key.size()));
    sizes.Fixed32(static_cast<uint32_t>(texts.size() - value_at));
    sizes.Fixed32(static_cast<uint32_t>(member.properties.size()));
    texts.Raw(member.properties);
  }
  sizes.Raw(texts.view());
  (void)context->output.Written();
  return count;
}

int32_t isotel_otlp_baggage_header(isotel_otlp* context, uint32_t count, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const uint64_t size_bytes = uint64_t{count} * kMemberTexts * sizeof(uint32_t);
  if (size_bytes > length) return Answer(Error::kOutOfRange);
  isotel::metrics::ByteReader sizes(context->buffer.Text(length));
  isotel::metrics::ByteReader texts({context->buffer.data() + size_bytes, length - static_cast<size_t>(size_bytes)});
  w3c::BaggageFormatter header(context->output.writer());
  for (uint32_t i = 0; i < count; ++i) {
    w3c::BaggageMember member;
    member.key = texts.Raw(sizes.Fixed32());
    member.value = texts.Raw(sizes.Fixed32());
    member.properties = texts.Raw(sizes.Fixed32());
    header.Add(member);
  }
  return texts.Done() ? context->output.Written() : Answer(Error::kOutOfRange);
}

}  // extern "C"
