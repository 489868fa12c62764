#include "exposition/negotiation.h"

#include <optional>

#include "base/characters.h"

namespace isotel::exposition {
namespace {

// Weights are kept in thousandths: a header gives them at most three digits.
constexpr int kFullWeight = 1000;

bool Same(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

// Like TakeUntil(), but passes over separators in quotes and trims the part.
std::string_view TakePart(char separator, std::string_view& text) {
  bool quoted = false;
  size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != separator); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (quoted && text[end] == '\\' && end + 1 < text.size()) ++end;
  }
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end < text.size() ? end + 1 : end);
  return Trim(part);
}

std::string_view Unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// Returns 0 for an invalid weight: the range is then not served.
int WeightOf(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  int weight = text[0] == '1' ? kFullWeight : 0;
  int digit_weight = kFullWeight / 10;
  for (const char c : text.substr(text.size() > 1 ? 2 : 1)) {
    if (!IsDigit(c)) return 0;
    weight += (c - '0') * digit_weight;
    digit_weight /= 10;
  }
  return weight <= kFullWeight ? weight : 0;
}

// One media range of the header.
struct Range {
  std::string_view type;
  std::string_view version;
  std::string_view proto;
  std::string_view encoding;
  std::string_view escaping;
  int weight = kFullWeight;
};

Range ReadRange(std::string_view text) {
  Range range;
  range.type = TakePart(';', text);
  while (!text.empty()) {
    std::string_view value = TakePart(';', text);
    const std::string_view name = TakePart('=', value);
    value = Unquoted(Trim(value));
    if (Same(name, "q")) range.weight = WeightOf(value);
    if (Same(name, "version")) range.version = value;
    if (Same(name, "proto")) range.proto = value;
    if (Same(name, "encoding")) range.encoding = value;
    if (Same(name, "escaping")) range.escaping = value;
  }
  return range;
}

std::optional<Format> FormatOf(const Range& range) {
  const auto version_is = [&range](std::string_view version) {
    return range.version.empty() || range.version == version;
  };
  if (Same(range.type, "application/vnd.google.protobuf")) {
    const bool is_ours = range.proto == "io.prometheus.client.MetricFamily" && Same(range.encoding, "delimited");
    return is_ours ? std::optional(Format::kProtobuf) : std::nullopt;
  }
  if (Same(range.type, "application/openmetrics-text") && version_is("1.0.0")) return Format::kOpenMetrics;
  if (Same(range.type, "text/plain") && range.version == "1.0.0") return Format::kText1;
  if (Same(range.type, "text/plain") && version_is("0.0.4")) return Format::kText;
  if (Same(range.type, "application/json")) return Format::kJson;
  if (range.type == "*/*" || Same(range.type, "text/*")) return Format::kText;
  return std::nullopt;
}

Escaping EscapingOf(std::string_view text) {
  for (uint32_t i = 0; i < kEscapingCount; ++i) {
    if (Same(text, EscapingText(static_cast<Escaping>(i)))) return static_cast<Escaping>(i);
  }
  return Escaping::kUnderscores;
}

}  // namespace

Choice Negotiate(std::string_view accept) {
  Choice best;
  int best_weight = 0;
  while (!accept.empty()) {
    const Range range = ReadRange(TakePart(',', accept));
    const std::optional<Format> format = FormatOf(range);
    if (!format || range.weight <= best_weight) continue;
    best_weight = range.weight;
    best = {*format, EscapingOf(range.escaping)};
  }
  return best;
}

}  // namespace isotel::exposition
