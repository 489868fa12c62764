// The messages, instructions and tools of a GenAI span as the flat attributes of OpenInference.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/wire.h"

namespace isotel::otlp {

/// Attributes that one text of a span may become. The rest is in `input.value` and `output.value`.
inline constexpr uint32_t kMaxMessageAttributes = 2'048;

/// Receives the attributes one by one. The views are valid during the call.
class FlatAttributes {
 public:
  FlatAttributes() = default;
  FlatAttributes(const FlatAttributes&) = delete;
  FlatAttributes& operator=(const FlatAttributes&) = delete;
  virtual void Add(std::string_view key, std::string_view text) = 0;

 protected:
  ~FlatAttributes() = default;
};

/// Writes JSON as attributes `prefix`.N.*. The JSON is a text that IsJson() accepted. What it has not in the form of the
/// conventions is left out.
class MessageAttributes {
 public:
  /// `scratch` is for texts with escapes.
  MessageAttributes(ByteWriter& scratch, FlatAttributes& out) : text_(scratch), out_(out) {}

  /// Writes gen_ai.system_instructions as the message `prefix`.0. `text` may be no JSON (`is_json`). Returns the number
  /// of messages: 0 or 1.
  uint32_t Instructions(std::string_view prefix, std::string_view text, bool is_json);
  /// Writes gen_ai.input.messages or gen_ai.output.messages from index `first` on.
  void Messages(std::string_view prefix, std::string_view json, uint32_t first);
  /// Writes gen_ai.tool.definitions.
  void Tools(std::string_view prefix, std::string_view json);

 private:
  struct Object;

  void Begin(std::string_view prefix);
  void Item(uint32_t index);
  void List(std::string_view name, uint32_t index);
  void Append(uint32_t index);
  void Add(size_t base, std::string_view name, std::string_view json);
  void AddText(size_t base, std::string_view name, std::string_view text);
  void Content(const Object& part, uint32_t index);
  void ToolCall(const Object& part, uint32_t index);
  void ToolResponse(const Object& part);
  void Parts(std::string_view parts);
  [[nodiscard]] std::string_view Schema(std::string_view json);

  ByteWriter& text_;
  FlatAttributes& out_;
  ByteWriter key_;
  // Bytes of the key up to the prefix, the index of the item, and the index in a list of the item.
  size_t prefix_ = 0;
  size_t item_ = 0;
  size_t element_ = 0;
  uint32_t left_ = 0;
};

}  // namespace isotel::otlp
