// The exports about spans: argument checks and views on memory. genai/ and trace/ do the work.
#include "abi/core/isotel_abi.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "abi/core/context.h"
#include "abi/shared/fingerprint.h"
#include "base/utf8.h"
#include "genai/names.h"

namespace isotel::abi {

static_assert(genai::kMaxFields == ISOTEL_MAX_FIELDS);
static_assert(offsetof(SharedBlock, fields.number) == ISOTEL_BLOCK_NUMBER);
static_assert(offsetof(SharedBlock, fields.size) == ISOTEL_BLOCK_SIZE);
static_assert(offsetof(SharedBlock, fields.text_id) == ISOTEL_BLOCK_TEXT_ID);
static_assert(offsetof(SharedBlock, fields.present) == ISOTEL_BLOCK_PRESENT);
static_assert(offsetof(SharedBlock, plan) == ISOTEL_BLOCK_PLAN);
static_assert(offsetof(SharedBlock, result) == ISOTEL_BLOCK_RESULT);
static_assert(sizeof(SharedBlock) == ISOTEL_BLOCK_BYTES);
static_assert(kMaxSlots == ISOTEL_MAX_SPAN_SLOTS);
static_assert(kCounterCount <= ISOTEL_RESULT_COUNT);
static_assert(kMaxUserAttributes == ISOTEL_MAX_USER_ATTRIBUTES && kMaxAttributeValueBytes == ISOTEL_MAX_VALUE_BYTES);
static_assert(kNativeSpanBytes - kReservedFinishBytes == ISOTEL_START_BYTES);
static_assert(genai::kInternedSize == ISOTEL_INTERNED_SIZE && trace::kKeepAll == ISOTEL_KEEP_ALL);
static_assert(trace::kSpanBounded == ISOTEL_SPAN_BOUNDED && trace::kSpanNative == ISOTEL_SPAN_NATIVE);
static_assert(trace::kSpanUntraced == ISOTEL_SPAN_UNTRACED);
static_assert(trace::kSpanWhole == ISOTEL_SPAN_WHOLE && genai::kLeftOut == ISOTEL_LEFT_OUT);
static_assert(static_cast<uint32_t>(genai::Source::kInternedList) == ISOTEL_SOURCE_INTERNED_LIST);
static_assert(static_cast<uint32_t>(trace::StatusCode::kError) == ISOTEL_STATUS_ERROR);
static_assert(static_cast<uint32_t>(genai::MetadataSource::kRuntimeContext) == ISOTEL_RUNTIME_CONTEXT);

}  // namespace isotel::abi

using isotel::Error;
using isotel::abi::Answer;

namespace {

// Hashed at compile time: the rows themselves are not in the module.
constexpr uint32_t kFingerprint = isotel::abi::Fingerprint(
#define ISOTEL_FIELD(name, type, agents_key, agents_spans, latest_key, latest_spans, phase) #name "," #type "\n"
#include "genai/fields.def"
#undef ISOTEL_FIELD
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) #name "," #code "\n"
#include "genai/operations.def"
#undef ISOTEL_OPERATION
#define ISOTEL_PROFILE(name, code, wire_name) #name "," #code "\n"
#include "genai/profiles.def"
#undef ISOTEL_PROFILE
#define ISOTEL_OUTCOME(name, code) #name "," #code "\n"
#include "trace/outcomes.def"
#undef ISOTEL_OUTCOME
#define ISOTEL_ERROR(name, code, message) #name "," #code "\n"
#include "base/errors.def"
#undef ISOTEL_ERROR
#define ISOTEL_COUNTER(name, wire_name) #name "," wire_name "\n"
#include "base/counters.def"
#undef ISOTEL_COUNTER
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) #name "," #code "\n"
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
#define ISOTEL_GENAI_LABEL(name, field) #name "," #field "\n"
#include "genai/labels.def"
#undef ISOTEL_GENAI_LABEL
#define ISOTEL_HOST_LIMIT(name, value, type) #name "," #value "\n"
#include "base/host_limits.def"
#undef ISOTEL_HOST_LIMIT
);

}  // namespace

extern "C" {

uint32_t isotel_abi_version(void) { return ISOTEL_ABI_VERSION; }

uint32_t isotel_abi_fingerprint(void) { return kFingerprint; }

isotel_context* isotel_create(void) { return std::make_unique<isotel_context>().release(); }

void isotel_destroy(isotel_context* context) { std::unique_ptr<isotel_context>{context}.reset(); }

void* isotel_shared_block(isotel_context* context) { return &context->block; }

void* isotel_buffer(isotel_context* context, uint32_t size) { return context->buffer.Reserve(size); }

int32_t isotel_counters(isotel_context* context) {
  for (size_t i = 0; i < isotel::kCounterCount; ++i) {
    context->block.result[i] = static_cast<double>(context->recorder.counters().Get(static_cast<isotel::Counter>(i)));
  }
  return isotel::kCounterCount;
}

int32_t isotel_keys(isotel_context* context, uint32_t profile) {
  if (profile >= isotel::genai::kProfileCount) return Answer(Error::kUnknownProfile);
  std::string keys;
  for (size_t i = 0; i < isotel::genai::kFieldCount; ++i) {
    if (i > 0) keys += '\n';
    keys += isotel::genai::KeyOf(static_cast<isotel::genai::Profile>(profile), static_cast<isotel::genai::Field>(i));
  }
  return context->buffer.Put(keys);
}

uint32_t isotel_intern(isotel_context* context, uint32_t length, uint32_t field) {
  return context->buffer.Holds(length) ? context->recorder.Intern(context->buffer.Text(length), field) : 0;
}

int32_t isotel_text(isotel_context* context, uint32_t text) {
  if (text == 0 || text > context->recorder.texts().size()) return Answer(Error::kUnknownText);
  return context->buffer.Put(context->recorder.texts().Get(text));
}

int32_t isotel_span_name(isotel_context* context, uint32_t operation, uint32_t length) {
  if (operation >= isotel::genai::kOperationCount) {
    context->recorder.NoteUnknownCode();
    return Answer(Error::kUnknownOperation);
  }
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return context->buffer.Put(
      isotel::genai::SpanName(static_cast<isotel::genai::Operation>(operation), context->buffer.Text(length)));
}

int32_t isotel_cut_name(isotel_context* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  const size_t kept = isotel::CutAtCharacter(context->buffer.Text(length), isotel::kMaxNameBytes);
  if (kept < length) context->recorder.NoteCutName();
  return static_cast<int32_t>(kept);
}

int32_t isotel_provider_name(isotel_context* context, uint32_t length) {
  if (!context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  // Copied: the name may be a view on the buffer it is written to.
  return context->buffer.Put(std::string(isotel::genai::NormalizeProvider(context->buffer.Text(length))));
}

int32_t isotel_metadata_key(isotel_context* context, uint32_t source, uint32_t length) {
  if (source > ISOTEL_RUNTIME_CONTEXT || !context->buffer.Holds(length)) return Answer(Error::kOutOfRange);
  return context->buffer.Put(
      isotel::genai::MetadataKey(static_cast<isotel::genai::MetadataSource>(source), context->buffer.Text(length)));
}

uint32_t isotel_scope_open(isotel_context* context) {
  const isotel::Result<isotel::Handle> scope = context->recorder.spans().OpenScope();
  return scope.ok() ? scope.value() : isotel::kNoHandle;
}

int32_t isotel_scope_spans(isotel_context* context, uint32_t scope, uint32_t bounded_only) {
  const Error error = context->recorder.spans().CollectScope(scope, bounded_only != 0, context->handles);
  if (error != Error::kOk) return Answer(error);
  const std::vector<isotel::Handle>& handles = context->handles;
  context->buffer.Put({reinterpret_cast<const char*>(handles.data()), handles.size() * sizeof(isotel::Handle)});
  return static_cast<int32_t>(handles.size());
}

int32_t isotel_scope_close(isotel_context* context, uint32_t scope) {
  return Answer(context->recorder.spans().CloseScope(scope));
}

uint32_t isotel_span_open(isotel_context* context, uint32_t operation, uint32_t parent, uint32_t scope, uint32_t flags,
                          double start_unix_ms) {
  const isotel::Result<isotel::Handle> span = context->recorder.OpenSpan(
      {.operation = operation,
       .profile = (flags >> ISOTEL_SPAN_PROFILE_SHIFT) & 0xFFU,
       .parent = parent,
       .scope = scope,
       .flags = flags & (ISOTEL_SPAN_BOUNDED | ISOTEL_SPAN_NATIVE | ISOTEL_SPAN_UNTRACED | ISOTEL_SPAN_WHOLE),
       .start_unix_ms = start_unix_ms});
  return span.ok() ? span.value() : isotel::kNoHandle;
}

int32_t isotel_span_start(isotel_context* context, uint32_t span, uint32_t flags) {
  const bool exact = (flags & ISOTEL_SIZES_EXACT) != 0;
  return Answer(context->recorder.Start(span, context->block.fields, exact, context->block.plan));
}

int32_t isotel_span_reserve(isotel_context* context, uint32_t span, uint32_t count, uint32_t bytes, uint32_t invalid) {
  const isotel::Result<isotel::genai::AttributeQuota> quota =
      context->recorder.ReserveAttributes(span, {.count = count, .bytes = bytes, .invalid = invalid});
  if (!quota.ok()) return Answer(quota.error());
  context->block.result[0] = quota.value().bytes;
  return static_cast<int32_t>(quota.value().count);
}

int32_t isotel_span_fit(isotel_context* context, uint32_t span, uint32_t count, uint32_t invalid) {
  constexpr size_t kEntryBytes = 2 * sizeof(uint32_t);
  if (!context->buffer.Holds(uint64_t{count} * kEntryBytes)) return Answer(Error::kOutOfRange);
  std::vector<isotel::trace::AttributeSize> sizes(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t entry[2];
    std::memcpy(entry, context->buffer.data() + i * kEntryBytes, kEntryBytes);
    sizes[i] = {entry[0], entry[1] & ~ISOTEL_CUTTABLE, (entry[1] & ISOTEL_CUTTABLE) != 0};
  }
  std::vector<uint32_t> keep(count);
  const isotel::Result<uint32_t> decided = context->recorder.FitAttributes(span, sizes, invalid, keep);
  if (decided.ok() && count > 0) std::memcpy(context->buffer.data(), keep.data(), count * sizeof(uint32_t));
  return Answer(decided);
}

int32_t isotel_span_first_chunk(isotel_context* context, uint32_t span, double now_unix_ms) {
  return Answer(context->recorder.FirstChunk(span, now_unix_ms));
}

int32_t isotel_span_next_chunk(isotel_context* context, uint32_t span, double now_unix_ms) {
  return Answer(context->recorder.NextChunk(span, now_unix_ms));
}

int32_t isotel_span_status(isotel_context* context, uint32_t span, uint32_t status) {
  if (status > ISOTEL_STATUS_ERROR) return Answer(Error::kOutOfRange);
  return Answer(context->recorder.SetStatus(span, static_cast<isotel::trace::StatusCode>(status)));
}

int32_t isotel_span_end(isotel_context* context, uint32_t span, uint32_t outcome, uint32_t flags, double end_unix_ms,
                        uint32_t count, uint32_t bytes, uint32_t invalid) {
  if (outcome >= isotel::trace::kOutcomeCount) {
    context->recorder.NoteUnknownCode();
    return Answer(Error::kUnknownOutcome);
  }
  const isotel::genai::Recorder::End end{.outcome = static_cast<isotel::trace::Outcome>(outcome),
                                         .end_unix_ms = end_unix_ms,
                                         .exact = (flags & ISOTEL_SIZES_EXACT) != 0,
                                         .status_as_attribute = (flags & ISOTEL_STATUS_AS_ATTRIBUTE) != 0,
                                         .written = {.count = count, .bytes = bytes, .invalid = invalid}};
  const auto ended = context->recorder.EndSpan(span, end, context->block.fields, context->block.plan);
  if (!ended.ok()) return Answer(ended.error());
  context->block.result[0] = static_cast<double>(ended.value().status);
  return static_cast<int32_t>(ended.value().entries);
}

}  // extern "C"
