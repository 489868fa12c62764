// The context of the OTLP module, for the sources of its exports alone.
#pragma once

#include "abi/answer.h"
#include "abi/otlp/isotel_otlp.h"
#include "context/id_generator.h"
#include "otlp/batch_reader.h"

struct isotel_otlp {
  isotel::abi::Buffer<isotel::otlp::BatchReader::kSlackBytes> buffer;
  isotel::abi::Output output;
  uint32_t skipped = 0;
  isotel::context::IdGenerator ids;
};
