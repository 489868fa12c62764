#include "otlp/message_attributes.h"

#include "base/json_reader.h"
#include "base/number_text.h"

namespace isotel::otlp {
namespace {

enum Member : uint8_t {
  kType,
  kRole,
  kParts,
  kContent,
  kId,
  kName,
  kArguments,
  kResponse,
  kModality,
  kUri,
  kFunction,
  kDescription,
  kParameters,
  kInputSchema,
  kInputSchemaSnake,
  kMembers,
};

constexpr std::string_view kNames[kMembers] = {
    "type",     "role", "parts",    "content",     "id",         "name",        "arguments",    "response",
    "modality", "uri",  "function", "description", "parameters", "inputSchema", "input_schema",
};

bool IsNull(std::string_view json) { return SameBytes(json, "null"); }
bool IsSet(std::string_view json) { return !json.empty() && !IsNull(json); }

}  // namespace

// The members of a JSON object that messages, parts and tools have, as JSON. Of equal names, the last counts. Names with
// escapes are not found. Another value than an object has no members.
struct MessageAttributes::Object {
  std::string_view of[kMembers];

  explicit Object(std::string_view json) {
    for (JsonItems members(json); members.Next();) {
      const std::string_view name = members.name();
      for (uint32_t i = 0; i < kMembers; ++i) {
        // Most names differ in their size, and a call costs more.
        if (name.size() == kNames[i].size() && SameBytes(name, kNames[i])) of[i] = members.value();
      }
    }
  }

  [[nodiscard]] bool HasType(std::string_view quoted) const { return SameBytes(of[kType], quoted); }
  [[nodiscard]] bool IsToolResponse() const { return HasType("\"tool_call_response\""); }
};

void MessageAttributes::Begin(std::string_view prefix) {
  key_.Clear();
  key_.Raw(prefix);
  prefix_ = key_.size();
  left_ = kMaxMessageAttributes;
}

void MessageAttributes::Append(uint32_t index) {
  key_.Byte('.');
  char* const at = key_.Reserve(kMaxNumberBytes);
  key_.Advance(static_cast<size_t>(WriteUint(index, at) - at));
}

void MessageAttributes::Item(uint32_t index) {
  key_.Truncate(prefix_);
  Append(index);
  item_ = key_.size();
}

void MessageAttributes::List(std::string_view name, uint32_t index) {
  key_.Truncate(item_);
  key_.Raw(name);
  Append(index);
  element_ = key_.size();
}

void MessageAttributes::AddText(size_t base, std::string_view name, std::string_view text) {
  if (left_ == 0) return;
  --left_;
  key_.Truncate(base);
  key_.Raw(name);
  out_.Add(key_.view(), text);
}

// Adds a string without quotes and escapes, or another value as JSON. Adds nothing for null.
void MessageAttributes::Add(size_t base, std::string_view name, std::string_view json) {
  if (IsSet(json)) AddText(base, name, IsJsonString(json) ? JsonCharacters(json, text_) : json);
}

void MessageAttributes::Content(const Object& part, uint32_t index) {
  List(".message.contents", index);
  constexpr std::string_view kTypeKey = ".message_content.type";
  if (part.HasType("\"uri\"") && SameBytes(part.of[kModality], "\"image\"") && IsSet(part.of[kUri])) {
    AddText(element_, kTypeKey, "image");
    return Add(element_, ".message_content.image.image.url", part.of[kUri]);
  }
  Add(element_, kTypeKey, part.of[kType]);
  Add(element_, ".message_content.text", part.of[kContent]);
}

void MessageAttributes::ToolCall(const Object& part, uint32_t index) {
  List(".message.tool_calls", index);
  Add(element_, ".tool_call.id", part.of[kId]);
  Add(element_, ".tool_call.function.name", part.of[kName]);
  const std::string_view arguments = part.of[kArguments];
  AddText(element_, ".tool_call.function.arguments", IsSet(arguments) ? arguments : "{}");
}

void MessageAttributes::ToolResponse(const Object& part) {
  Add(item_, ".message.tool_call_id", part.of[kId]);
  const std::string_view response = part.of[kResponse];
  if (IsNull(response)) return AddText(item_, ".message.content", response);
  Add(item_, ".message.content", response);
}

void MessageAttributes::Parts(std::string_view parts) {
  uint32_t contents = 0;
  uint32_t calls = 0;
  for (JsonItems item(parts); item.Next() && left_ > 0;) {
    Object part(item.value());
    if (!IsJsonString(part.of[kType])) continue;
    if (part.HasType("\"tool_call\"")) {
      ToolCall(part, calls++);
    } else if (part.IsToolResponse()) {
      ToolResponse(part);
    } else {
      // A part of another type is text as JSON, so that nothing is lost.
      if (!part.HasType("\"text\"") && !part.HasType("\"reasoning\"")) part.of[kContent] = item.value();
      Content(part, contents++);
    }
  }
}

// Returns the tool in the form of OpenAI, which OpenInference has.
std::string_view MessageAttributes::Schema(std::string_view json) {
  const Object tool(json);
  if (tool.of[kFunction].starts_with('{') || !IsJsonString(tool.of[kName])) return json;
  text_.Clear();
  text_.Raw("{\"type\":");
  text_.Raw(IsJsonString(tool.of[kType]) ? tool.of[kType] : "\"function\"");
  text_.Raw(",\"function\":{\"name\":");
  text_.Raw(tool.of[kName]);
  if (IsJsonString(tool.of[kDescription])) {
    text_.Raw(",\"description\":");
    text_.Raw(tool.of[kDescription]);
  }
  uint32_t schema = kParameters;
  while (schema < kMembers && !IsSet(tool.of[schema])) ++schema;
  if (schema < kMembers) {
    text_.Raw(",\"parameters\":");
    text_.Raw(tool.of[schema]);
  }
  text_.Raw("}}");
  return text_.view();
}

uint32_t MessageAttributes::Instructions(std::string_view prefix, std::string_view text, bool is_json) {
  const bool is_list = is_json && IsJsonArray(text);
  bool has_text = !is_list;
  if (is_list) {
    for (JsonItems part(text); part.Next();) has_text |= Object(part.value()).HasType("\"text\"");
  }
  if (!has_text) return 0;
  Begin(prefix);
  Item(0);
  AddText(item_, ".message.role", "system");
  if (is_list) {
    Parts(text);
  } else {
    List(".message.contents", 0);
    AddText(element_, ".message_content.type", "text");
    AddText(element_, ".message_content.text", text);
  }
  return 1;
}

void MessageAttributes::Messages(std::string_view prefix, std::string_view json, uint32_t first) {
  if (!IsJsonArray(json)) return;
  Begin(prefix);
  uint32_t index = first;
  for (JsonItems item(json); item.Next() && left_ > 0;) {
    const Object message(item.value());
    const std::string_view role = message.of[kRole];
    const std::string_view parts = message.of[kParts];
    if (!IsJsonString(role) || !IsJsonArray(parts)) continue;
    const uint32_t before = index;
    // A message of OpenInference has one response of a tool.
    if (SameBytes(role, "\"tool\"")) {
      for (JsonItems part(parts); part.Next() && left_ > 0;) {
        const Object response(part.value());
        if (!response.IsToolResponse()) continue;
        Item(index++);
        Add(item_, ".message.role", role);
        ToolResponse(response);
      }
    }
    if (index != before) continue;
    Item(index++);
    Add(item_, ".message.role", role);
    Parts(parts);
  }
}

void MessageAttributes::Tools(std::string_view prefix, std::string_view json) {
  if (!IsJsonArray(json)) return;
  Begin(prefix);
  uint32_t index = 0;
  for (JsonItems tool(json); tool.Next() && left_ > 0;) {
    Item(index++);
    AddText(item_, ".tool.json_schema", Schema(tool.value()));
  }
}

}  // namespace isotel::otlp
