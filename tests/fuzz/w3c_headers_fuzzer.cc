// Headers of any content: what is read from one is valid, and reading it again changes nothing.
#include <string_view>

#include "base/utf8.h"
#include "context/baggage.h"
#include "context/trace_parent.h"
#include "context/trace_state.h"
#include "fuzz_input.h"

namespace {

// Reads a header and writes what it says as another; how many members it has.
size_t Rewrite(std::string_view header, isotel::metrics::ByteWriter& out) {
  using namespace isotel;
  using namespace isotel::context;
  BaggageReader reader(header);
  BaggageFormatter formatter(out);
  size_t count = 0;
  for (BaggageMember member; reader.Next(member); ++count) {
    metrics::ByteWriter value;
    DecodeBaggageValue(member.value, value);
    fuzz::Require(IsValidUtf8(value.view()));
    formatter.Add({member.key, value.view(), member.properties});
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::context;
  const std::string_view header(reinterpret_cast<const char*>(data), size);

  const Result<TraceParent> parent = ParseTraceParent(header);
  if (parent.ok()) {
    fuzz::Require(parent.value().trace_id.size() == 32 && parent.value().span_id.size() == 16);
    fuzz::Require(parent.value().trace_id.data() >= header.data() + 3);
  }

  metrics::ByteWriter state;
  if (ParseTraceState(header, state) == Error::kOk) {
    fuzz::Require(state.size() <= kMaxTraceStateBytes);
    metrics::ByteWriter again;
    fuzz::Require(ParseTraceState(state.view(), again) == Error::kOk && again.view() == state.view());
    metrics::ByteWriter changed;
    if (WithMember(state.view(), "fuzz", header.substr(0, 3), changed) == Error::kOk) {
      again.Clear();
      fuzz::Require(ParseTraceState(changed.view(), again) == Error::kOk && again.view() == changed.view());
    }
  }

  metrics::ByteWriter first;
  const size_t count = Rewrite(header, first);
  fuzz::Require(count <= kMaxBaggageMembers && first.size() <= kMaxBaggageBytes);
  // Encoded, members may be longer than they came, and some no longer fit.
  metrics::ByteWriter second;
  fuzz::Require(Rewrite(first.view(), second) <= count && second.view() == first.view());
  return 0;
}
