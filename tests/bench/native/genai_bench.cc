// The cost that metrics add to GenAI spans. Each iteration is a chat span from its opening to its end, with the fields
// of a streamed call. The ids are those of the benchmark suite: genai.span, genai.span.measured, genai.span.untraced.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "genai/recorder.h"
#include "metrics/registry.h"

namespace isotel::genai {
namespace {

enum class Mode { kTraced, kMeasured, kUntraced };

class Host {
 public:
  explicit Host(Mode mode) : flags_(mode == Mode::kUntraced ? trace::kSpanUntraced : trace::kSpanNative) {
    if (mode != Mode::kTraced && !recorder_.EnableMetrics(registry_, false, "").ok()) std::abort();
    provider_ = recorder_.Intern("openai");
    model_ = recorder_.Intern("gpt-5");
    response_model_ = recorder_.Intern("gpt-5-2026-01-01");
    finish_reason_ = recorder_.Intern("stop");
  }

  void Call(int chunks) {
    Clear();
    const Handle span =
        recorder_.OpenSpan({.operation = static_cast<uint32_t>(Operation::kChat), .flags = flags_, .start_unix_ms = 1})
            .value();
    Text(Field::kProviderName, provider_);
    Text(Field::kRequestModel, model_);
    Text(Field::kAgentName, 0);
    if (!recorder_.Start(span, fields_, false, plan_).ok()) std::abort();
    Clear();
    if (recorder_.FirstChunk(span, 100) != Error::kOk) std::abort();
    for (int i = 1; i < chunks; ++i) {
      if (recorder_.NextChunk(span, 100 + 20 * i) != Error::kOk) std::abort();
    }
    Text(Field::kResponseModel, response_model_);
    Text(Field::kFinishReason, finish_reason_);
    fields_.SetNumber(Field::kInputTokens, 1'200);
    fields_.SetNumber(Field::kOutputTokens, 350);
    fields_.SetNumber(Field::kCacheReadInputTokens, 1'000);
    fields_.SetNumber(Field::kReasoningOutputTokens, 100);
    Recorder::End end;
    end.end_unix_ms = 2'500;
    if (!recorder_.EndSpan(span, end, fields_, plan_).ok()) std::abort();
  }

 private:
  void Clear() {
    for (uint32_t& word : fields_.present) word = 0;
  }
  void Text(Field field, TextId id) {
    fields_.size[static_cast<size_t>(field)] = 12;
    fields_.text_id[static_cast<size_t>(field)] = id;
    fields_.Add(field);
  }

  uint32_t flags_;
  metrics::Registry registry_{metrics::ProducerId{}};
  Recorder recorder_;
  FieldSet fields_{};
  Plan plan_{};
  TextId provider_ = 0;
  TextId model_ = 0;
  TextId response_model_ = 0;
  TextId finish_reason_ = 0;
};

void Span(benchmark::State& state, Mode mode) {
  Host host(mode);
  for (auto _ : state) host.Call(static_cast<int>(state.range(0)));
}

BENCHMARK_CAPTURE(Span, traced, Mode::kTraced)->Name("genai.span")->Arg(1)->Arg(20);
BENCHMARK_CAPTURE(Span, measured, Mode::kMeasured)->Name("genai.span.measured")->Arg(1)->Arg(20);
BENCHMARK_CAPTURE(Span, untraced, Mode::kUntraced)->Name("genai.span.untraced")->Arg(1)->Arg(20);

}  // namespace
}  // namespace isotel::genai
