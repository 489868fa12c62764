// The exports about requests: argument checks and views on memory. otlp/ does the work. context_abi.cc has the other
// exports.
#include "abi/otlp/isotel_otlp.h"

#include <memory>

#include "abi/otlp/otlp_context.h"
#include "abi/shared/fingerprint.h"
#include "base/limits.h"
#include "otlp/requests.h"

namespace otlp = isotel::otlp;
using isotel::Error;
using isotel::abi::Answer;

namespace {

// Hashed at compile time: the rows themselves are not in the module.
constexpr uint32_t kFingerprint = isotel::abi::Fingerprint(
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
);

static_assert(static_cast<uint32_t>(otlp::Format::kJson) == ISOTEL_OTLP_JSON);
static_assert(static_cast<uint32_t>(otlp::Dialect::kSentry) == ISOTEL_DIALECT_SENTRY);
static_assert(static_cast<uint32_t>(otlp::ValueKind::kBytes) == ISOTEL_VALUE_BYTES);
static_assert(static_cast<uint32_t>(otlp::ValueKind::kSameText) == ISOTEL_VALUE_SAME_TEXT);
static_assert(static_cast<uint32_t>(otlp::ValueKind::kNone) == ISOTEL_VALUE_NONE);
static_assert(isotel::kMaxValueDepth == ISOTEL_MAX_VALUE_DEPTH);
static_assert(isotel::kMaxBufferBytes == ISOTEL_MAX_BATCH_BYTES);

}  // namespace

extern "C" {

uint32_t isotel_otlp_abi_version(void) { return ISOTEL_OTLP_ABI_VERSION; }

uint32_t isotel_otlp_abi_fingerprint(void) { return kFingerprint; }

isotel_otlp* isotel_otlp_create(void) { return std::make_unique<isotel_otlp>().release(); }

void isotel_otlp_destroy(isotel_otlp* context) { std::unique_ptr<isotel_otlp>{context}.reset(); }

void* isotel_otlp_buffer(isotel_otlp* context, uint32_t size) { return context->buffer.Reserve(size); }

void* isotel_otlp_output(isotel_otlp* context) { return context->output.data(); }

int32_t isotel_otlp_encode(isotel_otlp* context, uint32_t signal, uint32_t format, uint32_t dialect, uint32_t numbers,
                           uint32_t keys, uint32_t words, uint32_t text_bytes, uint32_t text_units,
                           uint32_t raw_bytes) {
  const otlp::BatchSizes sizes{.numbers = numbers,
                               .keys = keys,
                               .words = words,
                               .text_bytes = text_bytes,
                               .text_units = text_units,
                               .raw_bytes = raw_bytes};
  if (signal > ISOTEL_OTLP_LOGS || format > ISOTEL_OTLP_JSON || dialect > ISOTEL_DIALECT_SENTRY ||
      !context->buffer.Holds(sizes.Total())) {
    return Answer(Error::kOutOfRange);
  }
  otlp::BatchReader batch(context->buffer.data(), sizes);
  const auto in = static_cast<otlp::Format>(format);
  isotel::ByteWriter& out = context->output.writer();
  const otlp::Encoded encoded = signal == ISOTEL_OTLP_TRACES
                                    ? otlp::EncodeTraces(batch, in, static_cast<otlp::Dialect>(dialect), out)
                                    : otlp::EncodeLogs(batch, in, out);
  context->skipped = encoded.skipped;
  return encoded.error == Error::kOk ? context->output.Written(encoded.start, encoded.size) : Answer(encoded.error);
}

uint32_t isotel_otlp_skipped(isotel_otlp* context) { return context->skipped; }

}  // extern "C"
