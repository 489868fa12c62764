// Headers of any content: what is read from one is valid, and reading it again changes nothing.
#include <string_view>

#include "context/trace_parent.h"
#include "context/trace_state.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::context;
  const std::string_view header(reinterpret_cast<const char*>(data), size);

  const Result<TraceParent> parent = ParseTraceParent(header);
  if (parent.ok()) {
    fuzz::Require(parent.value().trace_id.size() == 32 && parent.value().span_id.size() == 16);
    fuzz::Require(parent.value().trace_id.data() >= header.data() + 3);
  }

  ByteWriter state;
  if (ParseTraceState(header, state) == Error::kOk) {
    fuzz::Require(state.size() <= kMaxTraceStateBytes);
    ByteWriter again;
    fuzz::Require(ParseTraceState(state.view(), again) == Error::kOk && again.view() == state.view());
  }
  return 0;
}
