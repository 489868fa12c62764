// The context of the core. Only the sources of its exports include this.
#pragma once

#include <memory>
#include <vector>

#include "abi/core/isotel_abi.h"
#include "abi/shared/answer.h"
#include "genai/recorder.h"
#include "metrics/registry.h"

namespace isotel::abi {

struct SharedBlock {
  genai::FieldSet fields;
  genai::Plan plan;
  double result[ISOTEL_RESULT_COUNT];
};

}  // namespace isotel::abi

struct isotel_context {
  isotel::abi::SharedBlock block{};
  // Null before isotel_metrics_open(). Declared before the recorder, which uses it and is destroyed first.
  std::unique_ptr<isotel::metrics::Registry> registry;
  isotel::genai::Recorder recorder;
  isotel::abi::Buffer<> buffer;
  std::vector<isotel::Handle> handles;
};
