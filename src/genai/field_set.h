// The fields of a span that the host passes in, and the plan that the core returns. Both are plain memory that the host
// reads and writes in place. Only the sizes of texts cross; the host keeps the texts.
#pragma once

#include <cstdint>

#include "base/intern.h"
#include "genai/fields.h"

namespace isotel::genai {

/// The `size` of a field whose value is the interned text `text_id`.
inline constexpr uint32_t kInternedSize = UINT32_MAX;

/// Typed fields of one span. Entries of fields that are not present are not read.
struct FieldSet {
  double number[kMaxFields];          ///< value of a kNumber, kCount or kFlag (0 or 1) field
  uint32_t size[kMaxFields];          ///< length of a text: UTF-16 units, or UTF-8 bytes when exact
  TextId text_id[kMaxFields];         ///< the interned text of kFinishReason and of labels of metrics, or 0
  uint32_t present[kMaxFields / 32];  ///< a bit per field

  [[nodiscard]] bool Has(Field field) const { return (present[Word(field)] & Bit(field)) != 0; }
  void Add(Field field) { present[Word(field)] |= Bit(field); }
  void Remove(Field field) { present[Word(field)] &= ~Bit(field); }
  void SetNumber(Field field, double value) {
    number[static_cast<uint32_t>(field)] = value;
    Add(field);
  }
  void SetInterned(Field field, TextId text) {
    size[static_cast<uint32_t>(field)] = kInternedSize;
    text_id[static_cast<uint32_t>(field)] = text;
    Add(field);
  }

  static constexpr uint32_t Word(Field field) { return static_cast<uint32_t>(field) / 32; }
  static constexpr uint32_t Bit(Field field) { return 1U << (static_cast<uint32_t>(field) % 32); }
};

/// Where the host finds the value of a planned attribute. Values are part of the ABI.
enum class Source : uint32_t {
  kText = 0,          ///< the host's text of the field
  kNumber = 1,        ///< FieldSet::number of the field
  kTrue = 2,          ///< the boolean true
  kInterned = 3,      ///< the interned text `argument`
  kCutText = 4,       ///< the host's text of the field, cut to `argument` bytes at a character
  kTextList = 5,      ///< a list of one text: the host's text of the field `argument`
  kInternedList = 6,  ///< a list of one text: the interned text `argument`
  kJsonList = 7,      ///< the list of texts whose JSON is the host's text of the field
};

/// Set in `what` of an attribute that does not fit the byte budget. Only plans of spans with trace::kSpanWhole have
/// such entries.
inline constexpr uint32_t kLeftOut = 1U << 16;

/// One attribute to write. `what` is field | source << 8.
struct PlanEntry {
  uint32_t what;
  uint32_t argument;
};

struct Plan {
  PlanEntry entries[kMaxFields];
};

}  // namespace isotel::genai
