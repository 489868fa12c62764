// The context of the OTLP module. Only the sources of its exports include this.
#pragma once

#include "abi/otlp/isotel_otlp.h"
#include "abi/shared/answer.h"
#include "context/id_generator.h"
#include "otlp/batch_reader.h"

struct isotel_otlp {
  isotel::abi::Buffer<isotel::otlp::BatchReader::kSlackBytes> buffer;
  isotel::abi::Output output;
  uint32_t skipped = 0;
  isotel::context::IdGenerator ids;
};
