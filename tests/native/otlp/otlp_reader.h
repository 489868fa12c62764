// Reads OTLP protobuf, with protozero and tables of its own, into what the same request is as JSON.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace isotel::otlp {

using Json = nlohmann::json;

enum class FieldType {
  kText,
  kId,
  kBytes,
  kUint,
  kSint,
  kBool,
  kInt64,
  kFixed32,
  kFixed64,
  kSfixed64,
  kDouble,
  kPackedFixed64,
  kPackedDouble,
  kPackedUint,
  kMessage,
  kMessages,
};

struct FieldRow {
  const char* name;
  FieldType type;
  const char* message = nullptr;
};

using MessageRows = std::map<uint32_t, FieldRow>;

/// The messages of opentelemetry-proto by a short name.
inline const std::map<std::string_view, MessageRows>& Messages() {
  using enum FieldType;
  static const std::map<std::string_view, MessageRows> kMessages_{
      {"TraceRequest", {{1, {"resourceSpans", kMessages, "ResourceSpans"}}}},
      {"ResourceSpans", {{1, {"resource", kMessage, "Resource"}}, {2, {"scopeSpans", kMessages, "ScopeSpans"}}}},
      {"ScopeSpans", {{1, {"scope", kMessage, "Scope"}}, {2, {"spans", kMessages, "Span"}}}},
      {"LogsRequest", {{1, {"resourceLogs", kMessages, "ResourceLogs"}}}},
      {"ResourceLogs", {{1, {"resource", kMessage, "Resource"}}, {2, {"scopeLogs", kMessages, "ScopeLogs"}}}},
      {"ScopeLogs", {{1, {"scope", kMessage, "Scope"}}, {2, {"logRecords", kMessages, "LogRecord"}}}},
      {"MetricsRequest", {{1, {"resourceMetrics", kMessages, "ResourceMetrics"}}}},
      {"ResourceMetrics", {{1, {"resource", kMessage, "Resource"}}, {2, {"scopeMetrics", kMessages, "ScopeMetrics"}}}},
      {"ScopeMetrics", {{1, {"scope", kMessage, "Scope"}}, {2, {"metrics", kMessages, "Metric"}}}},
      {"Resource", {{1, {"attributes", kMessages, "KeyValue"}}}},
      {"Scope", {{1, {"name", kText}}, {2, {"version", kText}}, {3, {"attributes", kMessages, "KeyValue"}}}},
      {"KeyValue", {{1, {"key", kText}}, {2, {"value", kMessage, "AnyValue"}}}},
      {"AnyValue",
       {{1, {"stringValue", kText}},
        {2, {"boolValue", kBool}},
        {3, {"intValue", kInt64}},
        {4, {"doubleValue", kDouble}},
        {5, {"arrayValue", kMessage, "ArrayValue"}},
        {6, {"kvlistValue", kMessage, "KeyValueList"}},
        {7, {"bytesValue", kBytes}}}},
      {"ArrayValue", {{1, {"values", kMessages, "AnyValue"}}}},
      {"KeyValueList", {{1, {"values", kMessages, "KeyValue"}}}},
      {"Span",
       {{1, {"traceId", kId}},
        {2, {"spanId", kId}},
        {3, {"traceState", kText}},
        {4, {"parentSpanId", kId}},
        {5, {"name", kText}},
        {6, {"kind", kUint}},
        {7, {"startTimeUnixNano", kFixed64}},
        {8, {"endTimeUnixNano", kFixed64}},
        {9, {"attributes", kMessages, "KeyValue"}},
        {10, {"droppedAttributesCount", kUint}},
        {11, {"events", kMessages, "Event"}},
        {12, {"droppedEventsCount", kUint}},
        {13, {"links", kMessages, "Link"}},
        {14, {"droppedLinksCount", kUint}},
        {15, {"status", kMessage, "Status"}},
        {16, {"flags", kFixed32}}}},
      {"Event",
       {{1, {"timeUnixNano", kFixed64}},
        {2, {"name", kText}},
        {3, {"attributes", kMessages, "KeyValue"}},
        {4, {"droppedAttributesCount", kUint}}}},
      {"Link",
       {{1, {"traceId", kId}},
        {2, {"spanId", kId}},
        {3, {"traceState", kText}},
        {4, {"attributes", kMessages, "KeyValue"}},
        {5, {"droppedAttributesCount", kUint}},
        {6, {"flags", kFixed32}}}},
      {"Status", {{2, {"message", kText}}, {3, {"code", kUint}}}},
      {"LogRecord",
       {{1, {"timeUnixNano", kFixed64}},
        {2, {"severityNumber", kUint}},
        {3, {"severityText", kText}},
        {5, {"body", kMessage, "AnyValue"}},
        {6, {"attributes", kMessages, "KeyValue"}},
        {7, {"droppedAttributesCount", kUint}},
        {8, {"flags", kFixed32}},
        {9, {"traceId", kId}},
        {10, {"spanId", kId}},
        {11, {"observedTimeUnixNano", kFixed64}},
        {12, {"eventName", kText}}}},
      {"Metric",
       {{1, {"name", kText}},
        {2, {"description", kText}},
        {3, {"unit", kText}},
        {5, {"gauge", kMessage, "Gauge"}},
        {7, {"sum", kMessage, "Sum"}},
        {9, {"histogram", kMessage, "Histogram"}},
        {10, {"exponentialHistogram", kMessage, "ExponentialHistogram"}}}},
      {"Gauge", {{1, {"dataPoints", kMessages, "NumberPoint"}}}},
      {"Sum",
       {{1, {"dataPoints", kMessages, "NumberPoint"}},
        {2, {"aggregationTemporality", kUint}},
        {3, {"isMonotonic", kBool}}}},
      {"Histogram", {{1, {"dataPoints", kMessages, "HistogramPoint"}}, {2, {"aggregationTemporality", kUint}}}},
      {"ExponentialHistogram",
       {{1, {"dataPoints", kMessages, "ExponentialPoint"}}, {2, {"aggregationTemporality", kUint}}}},
      {"NumberPoint",
       {{2, {"startTimeUnixNano", kFixed64}},
        {3, {"timeUnixNano", kFixed64}},
        {4, {"asDouble", kDouble}},
        {5, {"exemplars", kMessages, "Exemplar"}},
        {6, {"asInt", kSfixed64}},
        {7, {"attributes", kMessages, "KeyValue"}}}},
      {"HistogramPoint",
       {{2, {"startTimeUnixNano", kFixed64}},
        {3, {"timeUnixNano", kFixed64}},
        {4, {"count", kFixed64}},
        {5, {"sum", kDouble}},
        {6, {"bucketCounts", kPackedFixed64}},
        {7, {"explicitBounds", kPackedDouble}},
        {8, {"exemplars", kMessages, "Exemplar"}},
        {9, {"attributes", kMessages, "KeyValue"}}}},
      {"ExponentialPoint",
       {{1, {"attributes", kMessages, "KeyValue"}},
        {2, {"startTimeUnixNano", kFixed64}},
        {3, {"timeUnixNano", kFixed64}},
        {4, {"count", kFixed64}},
        {5, {"sum", kDouble}},
        {6, {"scale", kSint}},
        {7, {"zeroCount", kFixed64}},
        {8, {"positive", kMessage, "Buckets"}},
        {9, {"negative", kMessage, "Buckets"}},
        {11, {"exemplars", kMessages, "Exemplar"}},
        {14, {"zeroThreshold", kDouble}}}},
      {"Buckets", {{1, {"offset", kSint}}, {2, {"bucketCounts", kPackedUint}}}},
      {"Exemplar",
       {{2, {"timeUnixNano", kFixed64}}, {3, {"asDouble", kDouble}}, {4, {"spanId", kId}}, {5, {"traceId", kId}}}},
  };
  return kMessages_;
}

inline std::string HexOf(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

inline std::string Base64Of(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) {
      text += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[bits >> (count - 6) & 63];
    }
  }
  if (count > 0) text += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[bits << (6 - count) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

inline Json DoubleJson(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return value;
}

/// The message `name` in `bytes`. Throws for a field the tables do not have, or one that is out of order in a oneof.
inline Json ReadMessage(std::string_view name, std::string_view bytes) {
  using enum FieldType;
  Json json = Json::object();
  protozero::pbf_reader in(bytes.data(), bytes.size());
  while (in.next()) {
    const auto found = Messages().at(name).find(in.tag());
    if (found == Messages().at(name).end()) throw std::runtime_error("unknown field of " + std::string(name));
    const FieldRow& row = found->second;
    const auto view = [&] {
      const protozero::data_view data = in.get_view();
      return std::string_view(data.data(), data.size());
    };
    Json& field = json[row.name];
    switch (row.type) {
      case kText:
        field = view();
        break;
      case kId:
        field = HexOf(view());
        break;
      case kBytes:
        field = Base64Of(view());
        break;
      case kUint:
        field = in.get_uint32();
        break;
      case kSint:
        field = in.get_sint32();
        break;
      case kBool:
        field = in.get_bool();
        break;
      case kInt64:
        field = std::to_string(in.get_int64());
        break;
      case kFixed32:
        field = in.get_fixed32();
        break;
      case kFixed64:
        field = std::to_string(in.get_fixed64());
        break;
      case kSfixed64:
        field = std::to_string(in.get_sfixed64());
        break;
      case kDouble:
        field = DoubleJson(in.get_double());
        break;
      case kPackedFixed64:
        for (const uint64_t value : in.get_packed_fixed64()) field.push_back(std::to_string(value));
        break;
      case kPackedDouble:
        for (const double value : in.get_packed_double()) field.push_back(DoubleJson(value));
        break;
      case kPackedUint:
        for (const uint64_t value : in.get_packed_uint64()) field.push_back(std::to_string(value));
        break;
      case kMessage:
        field = ReadMessage(row.message, view());
        break;
      case kMessages:
        field.push_back(ReadMessage(row.message, view()));
        break;
    }
  }
  return json;
}

}  // namespace isotel::otlp
