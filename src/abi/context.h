// The context of the core, for the sources of its exports alone.
#pragma once

#include <memory>
#include <vector>

#include "abi/answer.h"
#include "abi/isotel_abi.h"
#include "genai/recorder.h"
#include "metrics/registry.h"

namespace isotel::abi {

struct Exchange {
  genai::FieldSet fields;
  genai::Plan plan;
  double result[ISOTEL_RESULT_COUNT];
};

}  // namespace isotel::abi

struct isotel_context {
  isotel::abi::Exchange exchange{};
  // None until isotel_metrics_open(). Before the recorder, which records in it.
  std::unique_ptr<isotel::metrics::Registry> registry;
  isotel::genai::Recorder recorder;
  isotel::abi::Buffer<> buffer;
  std::vector<isotel::Handle> handles;
};
