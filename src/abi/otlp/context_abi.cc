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
using isotel::abi::OtlpAnswer;

static_assert(static_cast<uint32_t>(w3c::Parent::kSampled) == ISOTEL_PARENT_SAMPLED);

namespace {

constexpr uint32_t kMemberTexts = 3;

}  // namespace

extern "C" {

int32_t isotel_otlp_seed(isotel_otlp* context) {
  w3c::IdGenerator::Seed seed;
  if (!context->Holds(sizeof seed)) return OtlpAnswer(Error::kOutOfRange);
  std::memcpy(seed.data(), context->Bytes(), sizeof seed);
  return OtlpAnswer(context->ids.SetSeed(seed) ? Error::kOk : Error::kInvalidValue);
}

int32_t isotel_otlp_ids(isotel_otlp* context, uint32_t count) {
  if (!context->ids.has_seed() || count > ISOTEL_OTLP_MAX_IDS) return OtlpAnswer(Error::kOutOfRange);
  context->output.Clear();
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t id = context->ids.Next();
    isotel::otlp::WriteHex({reinterpret_cast<const char*>(&id), sizeof id}, context->output);
  }
  return context->Written();
}

int32_t isotel_otlp_sample(isotel_otlp* context, uint32_t parent, double ratio) {
  constexpr uint32_t kDigits = 32;
  if (parent > ISOTEL_PARENT_SAMPLED || !context->Holds(kDigits)) return OtlpAnswer(Error::kOutOfRange);
  isotel::otlp::TraceId trace_id;
  if (!isotel::otlp::ReadId(context->Text(kDigits), trace_id)) return OtlpAnswer(Error::kInvalidValue);
  return w3c::ShouldSample(static_cast<w3c::Parent>(parent), trace_id, ratio) ? 1 : 0;
}

int32_t isotel_otlp_trace_parent(isotel_otlp* context, uint32_t length) {
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  const Result<w3c::TraceParent> parent = w3c::ParseTraceParent(context->Text(length));
  if (!parent.ok()) return OtlpAnswer(parent.error());
  constexpr size_t kTraceIdAt = 3;
  constexpr size_t kSize = 55;
  context->Write({parent.value().trace_id.data() - kTraceIdAt, kSize});
  return parent.value().flags;
}

int32_t isotel_otlp_trace_state(isotel_otlp* context, uint32_t length) {
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  context->output.Clear();
  const Error error = w3c::ParseTraceState(context->Text(length), context->output);
  return error == Error::kOk ? context->Written() : OtlpAnswer(error);
}

int32_t isotel_otlp_trace_state_with(isotel_otlp* context, uint32_t state_length, uint32_t key_length,
                                     uint32_t value_length) {
  if (!context->Holds(uint64_t{state_length} + key_length + value_length)) return OtlpAnswer(Error::kOutOfRange);
  const char* const key = context->Bytes() + state_length;
  context->output.Clear();
  const Error error = w3c::WithMember(context->Text(state_length), {key, key_length}, {key + key_length, value_length},
                                      context->output);
  return error == Error::kOk ? context->Written() : OtlpAnswer(error);
}

int32_t isotel_otlp_baggage(isotel_otlp* context, uint32_t length) {
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  isotel::metrics::ByteWriter& sizes = context->output;
  isotel::metrics::ByteWriter texts;
  sizes.Clear();
  w3c::BaggageReader members(context->Text(length));
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
  (void)context->Written();
  return count;
}

int32_t isotel_otlp_baggage_header(isotel_otlp* context, uint32_t count, uint32_t length) {
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  const uint64_t size_bytes = uint64_t{count} * kMemberTexts * sizeof(uint32_t);
  if (size_bytes > length) return OtlpAnswer(Error::kOutOfRange);
  isotel::metrics::ByteReader sizes(context->Text(length));
  isotel::metrics::ByteReader texts({context->Bytes() + size_bytes, length - static_cast<size_t>(size_bytes)});
  w3c::BaggageFormatter header(context->output);
  for (uint32_t i = 0; i < count; ++i) {
    w3c::BaggageMember member;
    member.key = texts.Raw(sizes.Fixed32());
    member.value = texts.Raw(sizes.Fixed32());
    member.properties = texts.Raw(sizes.Fixed32());
    header.Add(member);
  }
  return texts.Done() ? context->Written() : OtlpAnswer(Error::kOutOfRange);
}

}  // extern "C"
