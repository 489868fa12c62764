// The common part of the requests of all signals: one resource, one scope and the items.
#pragma once

#include "otlp/requests.h"
#include "otlp/value_encoder.h"

namespace isotel::otlp {

/// Encodes the head of a batch, then calls `items` with the ValueEncoder.
template <typename Sink, typename Items>
Encoded EncodeRequest(BatchReader& in, Sink& out, ByteWriter& writer, const Signal& signal, const Items& items) {
  ValueEncoder<Sink> values(in, out);
  out.BeginRequest(signal);
  values.Attributes(kResourceAttributes);
  out.BeginScope();
  const uint32_t name = in.Word();
  const uint32_t version = in.Word();
  out.Text(kScopeName, in.Text(name));
  out.Text(kScopeVersion, in.Text(version));
  values.Attributes(kScopeAttributes);
  out.BeginItems();
  items(values);
  Encoded encoded;
  encoded.start = out.EndRequest();
  if (out.full()) {
    encoded.error = Error::kTooLarge;
  } else if (!in.Done()) {
    encoded.error = in.ok() ? Error::kCorrupt : in.error();
  } else {
    encoded.size = writer.size() - encoded.start;
  }
  return encoded;
}

}  // namespace isotel::otlp
