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

int32_t Answer(isotel_otlp* context, const Result<std::string>& text) {
  return text.ok() ? context->Write(text.value()) : OtlpAnswer(text.error());
}

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
  return Answer(context, w3c::ParseTraceState(context->Text(length)));
}

int32_t isotel_otlp_trace_state_with(isotel_otlp* context, uint32_t state_length, uint32_t key_length,
                                     uint32_t value_length) {
  const uint64_t length = uint64_t{state_length} + key_length + value_length;
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  const std::string_view text = context->Text(static_cast<size_t>(length));
  return Answer(context, w3c::WithMember(text.substr(0, state_length), text.substr(state_length, key_length),
                                         text.substr(size_t{state_length} + key_length)));
}

int32_t isotel_otlp_baggage(isotel_otlp* context, uint32_t length) {
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  const std::vector<w3c::BaggageMember> members = w3c::ParseBaggage(context->Text(length));
  isotel::metrics::ByteWriter& out = context->output;
  out.Clear();
  for (const w3c::BaggageMember& member : members) {
    for (const std::string* text : {&member.key, &member.value, &member.properties}) {
      out.Fixed32(static_cast<uint32_t>(text->size()));
    }
  }
  for (const w3c::BaggageMember& member : members) {
    for (const std::string* text : {&member.key, &member.value, &member.properties}) out.Raw(*text);
  }
  (void)context->Written();
  return static_cast<int32_t>(members.size());
}

int32_t isotel_otlp_baggage_header(isotel_otlp* context, uint32_t count, uint32_t length) {
  if (!context->Holds(length)) return OtlpAnswer(Error::kOutOfRange);
  isotel::metrics::ByteReader sizes(context->Text(length));
  const uint64_t size_bytes = uint64_t{count} * kMemberTexts * sizeof(uint32_t);
  if (size_bytes > length) return OtlpAnswer(Error::kOutOfRange);
  isotel::metrics::ByteReader texts(context->Text(length).substr(static_cast<size_t>(size_bytes)));
  std::vector<w3c::BaggageMember> members(count);
  for (w3c::BaggageMember& member : members) {
    for (std::string* text : {&member.key, &member.value, &member.properties}) *text = texts.Raw(sizes.Fixed32());
  }
  if (!texts.Done()) return OtlpAnswer(Error::kOutOfRange);
  return context->Write(w3c::FormatBaggage(members));
}

}  // extern "C"
