#include "otlp/message_attributes.h"

#include "base/json_reader.h"
#include "base/json_text.h"
#include "base/number_text.h"

namespace isotel::otlp {
namespace {

class Writer {
 public:
  Writer(std::string_view prefix, AttributeWriter& out) : prefix_(prefix), out_(out) {}

  [[nodiscard]] bool GoesOn() const { return left_ > 0; }

  // Begins the keys `prefix`.`index`.
  void Begin(uint32_t index) {
    key_.Clear();
    key_.Raw(prefix_);
    Index(index);
    item_size_ = key_.size();
  }
  // Continues the keys of the item with `name` and an index.
  void List(std::string_view name, uint32_t index) {
    key_.Truncate(item_size_);
    key_.Raw(name);
    Index(index);
    list_size_ = key_.size();
  }

  // A member of the item, and of the current element of a list of the item.
  void Member(std::string_view name, std::string_view text) { Write(item_size_, name, text); }
  void Element(std::string_view name, std::string_view text) { Write(list_size_, name, text); }

  // Returns a string without quotes and escapes, and any other value as JSON.
  std::string_view Text(std::string_view value) { return IsJsonString(value) ? JsonCharacters(value, text_) : value; }

 private:
  void Index(uint32_t index) {
    key_.Byte('.');
    char* const at = key_.Reserve(kMaxNumberBytes);
    key_.Advance(static_cast<size_t>(WriteUint(index, at) - at));
  }
  void Write(size_t size, std::string_view name, std::string_view text) {
    if (left_ == 0) return;
    --left_;
    key_.Truncate(size);
    key_.Raw(name);
    out_.Text(out_.Encoded(key_.view()), text);
  }

  std::string_view prefix_;
  AttributeWriter& out_;
  ByteWriter key_;
  ByteWriter text_;
  size_t item_size_ = 0;
  size_t list_size_ = 0;
  uint32_t left_ = kMaxMessageAttributes;
};

bool HasType(std::string_view part, std::string_view quoted) { return JsonMember(part, "type") == quoted; }

bool IsSet(std::string_view value) { return !value.empty() && value != "null"; }

// Returns whether the part is a picture that has an address.
bool IsImage(std::string_view part) {
  return HasType(part, "\"uri\"") && JsonMember(part, "modality") == "\"image\"" && IsSet(JsonMember(part, "uri"));
}

void Content(std::string_view part, std::string_view type, uint32_t index, Writer& out) {
  out.List(".message.contents", index);
  if (IsImage(part)) {
    out.Element(".message_content.type", "image");
    out.Element(".message_content.image.image.url", out.Text(JsonMember(part, "uri")));
    return;
  }
  out.Element(".message_content.type", out.Text(type));
  const bool is_text = type == "\"text\"" || type == "\"reasoning\"";
  // A part of another type is text as JSON, so that nothing is lost.
  const std::string_view content = is_text ? JsonMember(part, "content") : part;
  if (IsSet(content)) out.Element(".message_content.text", out.Text(content));
}

void ToolCall(std::string_view part, uint32_t index, Writer& out) {
  out.List(".message.tool_calls", index);
  const std::string_view id = JsonMember(part, "id");
  if (IsSet(id)) out.Element(".tool_call.id", out.Text(id));
  const std::string_view name = JsonMember(part, "name");
  if (IsSet(name)) out.Element(".tool_call.function.name", out.Text(name));
  const std::string_view arguments = JsonMember(part, "arguments");
  out.Element(".tool_call.function.arguments", IsSet(arguments) ? arguments : "{}");
}

void ToolResponse(std::string_view part, Writer& out) {
  const std::string_view id = JsonMember(part, "id");
  if (IsSet(id)) out.Member(".message.tool_call_id", out.Text(id));
  const std::string_view response = JsonMember(part, "response");
  if (!response.empty()) out.Member(".message.content", out.Text(response));
}

void Parts(std::string_view parts, Writer& out) {
  uint32_t contents = 0;
  uint32_t calls = 0;
  for (JsonItems part(parts); part.Next() && out.GoesOn();) {
    const std::string_view type = JsonMember(part.value(), "type");
    if (!IsJsonString(type)) continue;
    if (type == "\"tool_call\"") {
      ToolCall(part.value(), calls++, out);
    } else if (type == "\"tool_call_response\"") {
      ToolResponse(part.value(), out);
    } else {
      Content(part.value(), type, contents++, out);
    }
  }
}

// A message of OpenInference has one response of a tool. Returns the number of messages.
uint32_t ToolMessages(std::string_view parts, uint32_t index, Writer& out) {
  uint32_t count = 0;
  for (JsonItems part(parts); part.Next();) {
    if (!HasType(part.value(), "\"tool_call_response\"")) continue;
    out.Begin(index + count++);
    out.Member(".message.role", "tool");
    ToolResponse(part.value(), out);
  }
  return count;
}

// Returns the tool in the form of OpenAI, which OpenInference has.
std::string_view ToolSchema(std::string_view tool, ByteWriter& json) {
  const std::string_view name = JsonMember(tool, "name");
  if (JsonMember(tool, "function").starts_with('{') || !IsJsonString(name)) return tool;
  const std::string_view type = JsonMember(tool, "type");
  const std::string_view description = JsonMember(tool, "description");
  std::string_view parameters;
  for (const std::string_view key : {"parameters", "inputSchema", "input_schema"}) {
    if (!IsSet(parameters)) parameters = JsonMember(tool, key);
  }
  json.Clear();
  json.Raw("{\"type\":");
  json.Raw(IsJsonString(type) ? type : "\"function\"");
  json.Raw(",\"function\":{\"name\":");
  json.Raw(name);
  if (IsJsonString(description)) {
    json.Raw(",\"description\":");
    json.Raw(description);
  }
  if (IsSet(parameters)) {
    json.Raw(",\"parameters\":");
    json.Raw(parameters);
  }
  json.Raw("}}");
  return json.view();
}

}  // namespace

uint32_t WriteInstructions(std::string_view prefix, std::string_view json, AttributeWriter& out) {
  Writer writer(prefix, out);
  writer.Begin(0);
  const bool is_list = IsJson(json) && JsonValue(json).starts_with('[');
  bool has_text = false;
  if (is_list) {
    for (JsonItems part(JsonValue(json)); part.Next();) has_text |= HasType(part.value(), "\"text\"");
    if (!has_text) return 0;
  }
  writer.Member(".message.role", "system");
  if (is_list) {
    Parts(JsonValue(json), writer);
  } else {
    writer.List(".message.contents", 0);
    writer.Element(".message_content.type", "text");
    writer.Element(".message_content.text", json);
  }
  return 1;
}

void WriteMessages(std::string_view prefix, std::string_view json, uint32_t first, AttributeWriter& out) {
  if (!IsJson(json)) return;
  Writer writer(prefix, out);
  uint32_t index = first;
  for (JsonItems message(JsonValue(json)); message.Next() && writer.GoesOn();) {
    const std::string_view role = JsonMember(message.value(), "role");
    const std::string_view parts = JsonMember(message.value(), "parts");
    if (!IsJsonString(role) || !parts.starts_with('[')) continue;
    if (role == "\"tool\"") {
      const uint32_t count = ToolMessages(parts, index, writer);
      index += count;
      if (count > 0) continue;
    }
    writer.Begin(index++);
    writer.Member(".message.role", writer.Text(role));
    Parts(parts, writer);
  }
}

void WriteTools(std::string_view prefix, std::string_view json, AttributeWriter& out) {
  if (!IsJson(json)) return;
  Writer writer(prefix, out);
  ByteWriter schema;
  uint32_t index = 0;
  const std::string_view tools = JsonValue(json);
  if (!tools.starts_with('[')) return;
  for (JsonItems tool(tools); tool.Next() && writer.GoesOn();) {
    writer.Begin(index++);
    writer.Member(".tool.json_schema", ToolSchema(tool.value(), schema));
  }
}

}  // namespace isotel::otlp
