// What a host's context holds, and how the exports answer; shared by their sources, included by nobody else.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "abi/isotel_abi.h"
#include "base/limits.h"
#include "genai/recorder.h"
#include "metrics/registry.h"

namespace isotel::abi {

struct Exchange {
  genai::FieldSet fields;
  genai::Plan plan;
  double result[ISOTEL_RESULT_COUNT];
};

inline int32_t Answer(Error error) { return static_cast<int32_t>(error); }
inline int32_t Answer(const Result<uint32_t>& result) {
  return result.ok() ? static_cast<int32_t>(result.value()) : Answer(result.error());
}

}  // namespace isotel::abi

struct isotel_context {
  [[nodiscard]] bool Holds(uint32_t length) const { return length <= buffer.size(); }
  // The first `length` bytes of the buffer, which must hold them.
  [[nodiscard]] std::string_view Text(uint32_t length) const { return {buffer.data(), length}; }
  int32_t PutText(std::string_view text) {
    if (text.size() > buffer.size()) buffer.resize(text.size());
    std::copy(text.begin(), text.end(), buffer.begin());
    return static_cast<int32_t>(text.size());
  }

  isotel::abi::Exchange exchange{};
  // None until isotel_metrics_open(). Before the recorder, which records in it.
  std::unique_ptr<isotel::metrics::Registry> registry;
  isotel::genai::Recorder recorder;
  std::vector<char> buffer;
  std::vector<isotel::Handle> handles;
};
