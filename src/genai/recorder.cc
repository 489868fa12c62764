#include "genai/recorder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/limits.h"

namespace isotel::genai {
namespace {

constexpr double kNoTime = std::numeric_limits<double>::quiet_NaN();
constexpr double kMsPerSecond = 1000;

uint32_t AvailableBytes(const trace::Span& span) {
  if (!span.native()) return UINT32_MAX;
  const uint32_t taken = span.attribute_bytes + kReservedFinishBytes;
  return taken < kNativeSpanBytes ? kNativeSpanBytes - taken : 0;
}

bool EndsBare(const trace::Span& span, const Recorder::End& end) {
  return span.operation == static_cast<uint32_t>(Operation::kCustom) && end.outcome == trace::Outcome::kFinished &&
         span.dropped_attributes == 0 && span.cut_attributes == 0 &&
         (!end.status_as_attribute || span.status == trace::StatusCode::kUnset);
}

uint32_t AvailableCount(const trace::Span& span) { return kMaxUserAttributes - span.user_attributes; }

}  // namespace

Result<Handle> Recorder::OpenSpan(const Open& open) {
  if (open.operation >= kOperationCount || open.profile >= kProfileCount) {
    NoteUnknownCode();
    return open.operation >= kOperationCount ? Error::kUnknownOperation : Error::kUnknownProfile;
  }
  const Result<Handle> handle =
      spans_.Open({.parent = open.parent,
                   .scope = open.scope,
                   .flags = open.flags,
                   .operation = open.operation,
                   .kind = Info(static_cast<Operation>(open.operation)).kind,
                   .start_unix_ms = std::isfinite(open.start_unix_ms) ? open.start_unix_ms : 0});
  if (!handle.ok()) return handle;
  const uint32_t index = IndexOf(handle.value());
  if (index >= calls_.size()) calls_.resize(index + 1);
  calls_[index] = {static_cast<Profile>(open.profile), kNoTime, 0, {}};
  const Handle parent = spans_.Find(handle.value())->parent;
  if (open.operation == static_cast<uint32_t>(Operation::kChat) && parent != kNoHandle) {
    calls_[IndexOf(parent)].rollup.NoteCall();
  }
  if (metrics_) metrics_->Open(handle.value(), static_cast<Operation>(open.operation), parent);
  return handle;
}

Result<uint32_t> Recorder::Start(Handle handle, FieldSet& fields, bool exact, Plan& plan) {
  trace::Span* span = spans_.FindForWrite(handle);
  if (span == nullptr) return spans_.Missing(handle);
  if (fields.Has(Field::kRequestModel)) {
    calls_[IndexOf(handle)].model = fields.text_id[static_cast<size_t>(Field::kRequestModel)];
  }
  if (metrics_) metrics_->Start(handle, fields);
  if (span->untraced()) return 0;
  return attributes_.Build(calls_[IndexOf(handle)].profile, Phase::kStart, *span, fields, exact, plan);
}

Result<AttributeQuota> Recorder::ReserveAttributes(Handle handle, const UserAttributes& written) {
  trace::Span* span = spans_.FindForWrite(handle);
  if (span == nullptr) return spans_.Missing(handle);
  ReserveIn(*span, written);
  return AttributeQuota{AvailableCount(*span), AvailableBytes(*span)};
}

Result<uint32_t> Recorder::FitAttributes(Handle handle, std::span<const trace::AttributeSize> sizes, uint32_t invalid,
                                         std::span<uint32_t> keep) {
  trace::Span* span = spans_.FindForWrite(handle);
  if (span == nullptr) return spans_.Missing(handle);
  const uint32_t offered = static_cast<uint32_t>(sizes.size());
  const uint32_t accepted = std::min(offered, AvailableCount(*span));
  const uint32_t most = span->unlimited() ? UINT32_MAX : kMaxAttributeValueBytes;
  const trace::FitResult fit = trace::Fit(sizes.first(accepted), AvailableBytes(*span), most, keep);
  const uint32_t over = offered - accepted;
  span->user_attributes += accepted - fit.dropped;
  span->attribute_bytes += static_cast<uint32_t>(fit.bytes);
  span->dropped_attributes += over + fit.dropped + invalid;
  span->cut_attributes += fit.cut;
  counters_.Add(Counter::kAttributesDroppedLimit, over);
  counters_.Add(Counter::kAttributesDroppedBytes, fit.dropped);
  counters_.Add(Counter::kAttributesDroppedType, invalid);
  counters_.Add(Counter::kAttributesCut, fit.cut);
  return accepted;
}

Error Recorder::FirstChunk(Handle handle, double now_unix_ms) {
  if (spans_.FindForWrite(handle) == nullptr) return spans_.Missing(handle);
  Call& call = calls_[IndexOf(handle)];
  if (std::isnan(call.first_chunk_unix_ms) && std::isfinite(now_unix_ms)) call.first_chunk_unix_ms = now_unix_ms;
  if (metrics_) metrics_->FirstChunk(handle, now_unix_ms);
  return Error::kOk;
}

Error Recorder::NextChunk(Handle handle, double now_unix_ms) {
  if (spans_.FindForWrite(handle) == nullptr) return spans_.Missing(handle);
  if (metrics_) metrics_->NextChunk(handle, now_unix_ms);
  return Error::kOk;
}

Error Recorder::SetStatus(Handle handle, trace::StatusCode status) {
  trace::Span* span = spans_.FindForWrite(handle);
  if (span == nullptr) return spans_.Missing(handle);
  span->status = trace::Combine(span->status, status);
  return Error::kOk;
}

Result<Recorder::Ended> Recorder::EndSpan(Handle handle, const End& end, FieldSet& fields, Plan& plan) {
  trace::Span* span = spans_.Find(handle);
  if (span == nullptr) return spans_.End(handle, end.outcome, end.end_unix_ms).error();
  ReserveIn(*span, end.written);
  // The most frequent case: a custom span without errors gets no attributes from the core.
  if (EndsBare(*span, end)) {
    const trace::StatusCode status = span->status;
    (void)spans_.End(handle, end.outcome, end.end_unix_ms);
    return Ended{0, status};
  }
  const Call& call = calls_[IndexOf(handle)];
  AddFinishFields(*span, call, end, fields);
  Result<uint32_t> entries = 0;
  if (!span->untraced()) {
    entries = attributes_.Build(call.profile, Phase::kFinish, *span, fields, end.exact, plan);
    if (!entries.ok()) return entries.error();
  }
  RollUp(*span, fields);
  if (metrics_) {
    metrics_->End(
        handle, {.outcome = end.outcome, .start_unix_ms = span->start_unix_ms, .end_unix_ms = end.end_unix_ms}, fields);
  }
  const Result<trace::SpanEnd> ended = spans_.End(handle, end.outcome, end.end_unix_ms);
  return Ended{entries.value(), ended.value().status};
}

void Recorder::ReserveIn(trace::Span& span, const UserAttributes& written) {
  span.user_attributes += std::min(written.count, AvailableCount(span));
  span.attribute_bytes = std::min(span.attribute_bytes + std::min(written.bytes, kNativeSpanBytes), kNativeSpanBytes);
  span.dropped_attributes += written.invalid;
  counters_.Add(Counter::kAttributesDroppedType, written.invalid);
}

TextId Recorder::Intern(std::string_view text, uint32_t field) {
  if (metrics_ && metrics_->IsFull(field)) return texts_.Find(text);
  const TextId id = texts_.Intern(text);
  if (id == 0) counters_.Add(Counter::kInternOverflows);
  if (id != 0 && metrics_) metrics_->Admit(field, id);
  return id;
}

Result<uint32_t> Recorder::EnableMetrics(metrics::Registry& registry, bool former_names, std::string_view currency,
                                         uint32_t max_values) {
  auto span_metrics = std::make_unique<SpanMetrics>(registry, texts_, counters_, max_values);
  const Result<uint32_t> left_out = span_metrics->Declare(former_names, currency);
  if (!left_out.ok()) return left_out;
  metrics_ = std::move(span_metrics);
  costs_.SetCurrency(Intern(currency.empty() ? Costs::kReportedCurrency : currency));
  return left_out;
}

Error Recorder::SetPrice(std::string_view model, const Price& price) {
  const TextId id = Intern(model);
  if (id == 0) return Error::kLimitReached;
  // The operator has listed it, so it is no value that a user has chosen.
  if (metrics_) metrics_->AdmitModel(id);
  return costs_.SetPrice(id, price);
}

void Recorder::AddFinishFields(const trace::Span& span, const Call& call, const End& end, FieldSet& fields) const {
  // Only the core sets these. Values of an earlier call may still be in the shared block.
  for (const Field field : {Field::kFinishReasons, Field::kStatusCode, Field::kCancelled, Field::kTruncated,
                            Field::kDroppedAttributesCount, Field::kCutAttributesCount}) {
    fields.Remove(field);
  }
  // Only calls are billed. The cost of an operation is the sum of the costs of its calls.
  const bool is_operation = span.operation == static_cast<uint32_t>(Operation::kInvokeAgent);
  if (is_operation) fields.Remove(Field::kCost);
  if (call.rollup.has_calls()) {
    // The spans of the calls have these fields. With several responses, any choice would be arbitrary.
    fields.Remove(Field::kResponseId);
    fields.Remove(Field::kResponseModel);
    fields.Remove(Field::kTimeToFirstChunk);
    call.rollup.Fill(fields);
    // For an operation that did not finish, the finish reason of its last call would be misleading.
    const bool finished = end.outcome == trace::Outcome::kFinished;
    if (finished && !fields.Has(Field::kFinishReason) && call.rollup.finish_reason() != 0) {
      fields.SetInterned(Field::kFinishReason, call.rollup.finish_reason());
    }
  } else if (!std::isnan(call.first_chunk_unix_ms) && span.start_unix_ms > 0) {
    const double waited_ms = call.first_chunk_unix_ms - span.start_unix_ms;
    fields.SetNumber(Field::kTimeToFirstChunk, waited_ms > 0 ? waited_ms / kMsPerSecond : 0);
  }
  if (fields.Has(Field::kFinishReason)) fields.Add(Field::kFinishReasons);
  if (fields.Has(Field::kToolCount) && !(fields.number[static_cast<size_t>(Field::kToolCount)] > 0)) {
    fields.Remove(Field::kToolCount);
  }
  FillTotal(fields);
  if (is_operation) {
    costs_.AddToOperation(fields);
  } else {
    costs_.AddToCall(call.model, fields);
  }

  if (end.outcome != trace::Outcome::kFailed) {
    for (const Field field : {Field::kErrorType, Field::kHttpStatusCode, Field::kErrorCode, Field::kErrorMessage}) {
      fields.Remove(field);
    }
  }
  if (end.outcome == trace::Outcome::kCancelled) {
    fields.SetNumber(Field::kCancelled, 1);
  } else {
    fields.Remove(Field::kAbortReason);
  }
  if (end.outcome == trace::Outcome::kTruncated) fields.SetNumber(Field::kTruncated, 1);
  const bool failed = end.outcome == trace::Outcome::kFailed;
  const trace::StatusCode status = failed ? trace::Combine(span.status, trace::StatusCode::kError) : span.status;
  if (end.status_as_attribute && status != trace::StatusCode::kUnset) {
    fields.SetInterned(Field::kStatusCode, attributes_.status_text(status));
  }
}

void Recorder::RollUp(const trace::Span& span, const FieldSet& fields) {
  if (span.operation != static_cast<uint32_t>(Operation::kChat)) return;
  if (spans_.Find(span.parent) == nullptr) return;
  calls_[IndexOf(span.parent)].rollup.Add(fields);
}

}  // namespace isotel::genai
