// The exports of the OTLP module: argument checks and views on memory. What a call does is decided in otlp/ and
// context/.
#include "abi/otlp/isotel_otlp.h"

#include <memory>
#include <string_view>
#include <vector>

#include "abi/fingerprint.h"
#include "base/limits.h"
#include "otlp/requests.h"

namespace otlp = isotel::otlp;
using isotel::Error;

namespace {

static_assert(static_cast<uint32_t>(otlp::Format::kJson) == ISOTEL_OTLP_JSON);
static_assert(static_cast<uint32_t>(otlp::ValueKind::kBytes) == ISOTEL_VALUE_BYTES);
static_assert(static_cast<uint32_t>(otlp::ValueKind::kSameText) == ISOTEL_VALUE_SAME_TEXT);
static_assert(static_cast<uint32_t>(otlp::ValueKind::kNone) == ISOTEL_VALUE_NONE);
static_assert(otlp::BatchReader::kSlackBytes == sizeof(uint64_t));
static_assert(isotel::kMaxValueDepth == ISOTEL_MAX_VALUE_DEPTH);
static_assert(isotel::kMaxBufferBytes == ISOTEL_MAX_BATCH_BYTES);

int32_t Answer(Error error) { return static_cast<int32_t>(error); }

}  // namespace

struct isotel_otlp {
  [[nodiscard]] char* Bytes() { return reinterpret_cast<char*>(buffer.data()); }
  /// Without the slack a batch wants after it.
  [[nodiscard]] size_t Size() const { return buffer.empty() ? 0 : (buffer.size() - 1) * sizeof(uint64_t); }

  // Words, because what stands in it is aligned.
  std::vector<uint64_t> buffer;
  isotel::metrics::ByteWriter output;
  size_t output_start = 0;
  uint32_t skipped = 0;
};

extern "C" {

uint32_t isotel_otlp_abi_version(void) { return ISOTEL_OTLP_ABI_VERSION; }

uint32_t isotel_otlp_abi_fingerprint(void) { return isotel::abi::OtlpFingerprint(); }

isotel_otlp* isotel_otlp_create(void) { return std::make_unique<isotel_otlp>().release(); }

void isotel_otlp_destroy(isotel_otlp* context) { std::unique_ptr<isotel_otlp>{context}.reset(); }

void* isotel_otlp_buffer(isotel_otlp* context, uint32_t size) {
  if (size > isotel::kMaxBufferBytes) return nullptr;
  // Nothing of the old one is kept: both need not fit at the same time.
  if (size > context->Size() || context->buffer.empty()) {
    context->buffer = {};
    context->buffer.resize((size + sizeof(uint64_t) - 1) / sizeof(uint64_t) + 1);
  }
  return context->buffer.data();
}

void* isotel_otlp_output(isotel_otlp* context) { return context->output.data() + context->output_start; }

int32_t isotel_otlp_encode(isotel_otlp* context, uint32_t signal, uint32_t format, uint32_t numbers, uint32_t keys,
                           uint32_t words, uint32_t text_bytes, uint32_t text_units, uint32_t raw_bytes) {
  const otlp::BatchSizes sizes{.numbers = numbers,
                               .keys = keys,
                               .words = words,
                               .text_bytes = text_bytes,
                               .text_units = text_units,
                               .raw_bytes = raw_bytes};
  if (signal > ISOTEL_OTLP_LOGS || format > ISOTEL_OTLP_JSON || sizes.Total() > context->Size()) {
    return Answer(Error::kOutOfRange);
  }
  otlp::BatchReader batch(context->Bytes(), sizes);
  const auto encode = signal == ISOTEL_OTLP_TRACES ? otlp::EncodeTraces : otlp::EncodeLogs;
  const otlp::Encoded encoded = encode(batch, static_cast<otlp::Format>(format), context->output);
  context->output_start = encoded.start;
  context->skipped = encoded.skipped;
  return encoded.error == Error::kOk ? static_cast<int32_t>(encoded.size) : Answer(encoded.error);
}

uint32_t isotel_otlp_skipped(isotel_otlp* context) { return context->skipped; }

}  // extern "C"
