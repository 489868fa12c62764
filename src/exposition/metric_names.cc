#include "exposition/metric_names.h"

namespace isotel::exposition {
namespace {

constexpr std::string_view kTotal = "_total";

bool IsPlain(char c, bool first, bool metric) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
  return (!first && c >= '0' && c <= '9') || (metric && c == ':');
}

// Returns the code point at `at` and moves `at` past it. The text is valid UTF-8.
uint32_t NextCodePoint(std::string_view text, size_t& at) {
  const auto lead = static_cast<uint8_t>(text[at++]);
  if (lead < 0x80) return lead;
  uint32_t code = lead < 0xE0 ? lead & 0x1F : lead < 0xF0 ? lead & 0x0F : lead & 0x07;
  while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) {
    code = (code << 6) | (static_cast<uint8_t>(text[at++]) & 0x3F);
  }
  return code;
}

void AppendHex(std::string& out, uint32_t value) {
  unsigned shift = 28;
  while (shift > 0 && (value >> shift) == 0) shift -= 4;
  for (;; shift -= 4) {
    out += "0123456789abcdef"[(value >> shift) & 15];
    if (shift == 0) return;
  }
}

}  // namespace

std::string_view EscapingText(Escaping escaping) {
  switch (escaping) {
    case Escaping::kDots:
      return "dots";
    case Escaping::kValues:
      return "values";
    case Escaping::kUtf8:
      return "allow-utf-8";
    default:
      return "underscores";
  }
}

bool IsPlainName(std::string_view name, bool metric) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!IsPlain(name[i], i == 0, metric)) return false;
  }
  return !name.empty();
}

std::string Escape(std::string_view name, Escaping escaping, bool metric) {
  const bool plain = IsPlainName(name, metric);
  if (escaping == Escaping::kUtf8 || (plain && escaping != Escaping::kDots)) return std::string(name);
  std::string out;
  if (escaping == Escaping::kValues) out = "U__";
  for (size_t at = 0; at < name.size();) {
    const bool keep = IsPlain(name[at], at == 0, metric);
    const uint32_t code = NextCodePoint(name, at);
    if (escaping != Escaping::kUnderscores && code == '_') {
      out += "__";
    } else if (keep) {
      out += static_cast<char>(code);
    } else if (escaping == Escaping::kUnderscores) {
      out += '_';
    } else if (escaping == Escaping::kDots) {
      out += code == '.' ? "_dot_" : "__";
    } else {
      out += '_';
      AppendHex(out, code);
      out += '_';
    }
  }
  return out;
}

std::string UnitWord(const metrics::Declaration& declaration) {
  struct Unit {
    std::string_view ucum;
    std::string_view word;
  };
  static constexpr Unit kUnits[] = {
#define ISOTEL_UNIT(ucum, word) {ucum, word},
#include "exposition/units.def"
#undef ISOTEL_UNIT
  };
  const std::string& unit = declaration.unit;
  if (unit.empty() || unit.front() == '{') return {};
  if (unit == "1") return metrics::IsGauge(declaration.kind) ? "ratio" : "";
  for (const Unit& known : kUnits) {
    if (known.ucum == unit) return std::string(known.word);
  }
  std::string word;
  for (const char c : unit) word += IsPlain(c, false, false) ? c : '_';
  return word;
}

std::string BaseName(const metrics::Declaration& declaration, std::string_view unit_word) {
  std::string_view name = declaration.name;
  if (declaration.kind == metrics::Kind::kCounter && name.ends_with(kTotal) && name.size() > kTotal.size()) {
    name.remove_suffix(kTotal.size());
  }
  std::string base(name);
  const bool has_unit =
      name.ends_with(unit_word) && name.size() > unit_word.size() && name[name.size() - unit_word.size() - 1] == '_';
  if (!unit_word.empty() && !has_unit) {
    base += '_';
    base += unit_word;
  }
  return base;
}

}  // namespace isotel::exposition
