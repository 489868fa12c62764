// Headers of any content: what is read from one is valid, and reading it again changes nothing.
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "context/baggage.h"
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

  const Result<std::string> state = ParseTraceState(header);
  if (state.ok()) {
    fuzz::Require(state.value().size() <= kMaxTraceStateBytes);
    fuzz::Require(ParseTraceState(state.value()).value() == state.value());
    const Result<std::string> changed = WithMember(state.value(), "fuzz", header.substr(0, 3));
    if (changed.ok()) fuzz::Require(ParseTraceState(changed.value()).ok());
  }

  const std::vector<BaggageMember> members = ParseBaggage(header);
  fuzz::Require(members.size() <= kMaxBaggageMembers);
  for (const BaggageMember& member : members) fuzz::Require(IsValidUtf8(member.value));
  const std::string text = FormatBaggage(members);
  fuzz::Require(text.size() <= kMaxBaggageBytes);
  const std::vector<BaggageMember> again = ParseBaggage(text);
  // Encoded, they may be longer than they came, and some no longer fit.
  fuzz::Require(again.size() <= members.size());
  fuzz::Require(FormatBaggage(again) == text);
  return 0;
}
