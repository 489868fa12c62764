// Fields of OTLP messages: a number in protobuf, a name in JSON. They are those of opentelemetry-proto 1.x
// (https://github.com/open-telemetry/opentelemetry-proto).
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel::otlp {

struct Field {
  uint32_t number = 0;
  std::string_view json;
};

enum class Format : uint32_t { kProtobuf = 0, kJson = 1 };

/// The fields around the items of a signal. All signals have the same numbers for them.
struct Signal {
  std::string_view resources;  ///< field 1 of the request
  std::string_view scopes;     ///< field 2 of ResourceSpans, ResourceLogs and ResourceMetrics
  Field items;                 ///< of ScopeSpans, ScopeLogs and ScopeMetrics
};

inline constexpr Field kResource{1, "resource"};
inline constexpr Field kResourceAttributes{1, "attributes"};
inline constexpr Field kScope{1, "scope"};
inline constexpr Field kScopeName{1, "name"};
inline constexpr Field kScopeVersion{2, "version"};
inline constexpr Field kScopeAttributes{3, "attributes"};

inline constexpr Field kStringValue{1, "stringValue"};
inline constexpr Field kBoolValue{2, "boolValue"};
inline constexpr Field kIntValue{3, "intValue"};
inline constexpr Field kDoubleValue{4, "doubleValue"};
inline constexpr Field kArrayValue{5, "arrayValue"};
inline constexpr Field kKvlistValue{6, "kvlistValue"};
inline constexpr Field kBytesValue{7, "bytesValue"};
/// Of ArrayValue and KeyValueList.
inline constexpr Field kValues{1, "values"};

}  // namespace isotel::otlp
