// A host as the recorder sees one: it hands over fields and carries out plans.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "genai/recorder.h"

namespace isotel::genai {

/// One attribute as the host would write it.
struct Written {
  Field field;
  Source source;
  uint32_t argument;
  std::string key;
  bool left_out = false;
};

/// How a test ends a span.
struct Ending {
  trace::Outcome outcome = trace::Outcome::kFinished;
  bool exact = false;
  bool status_as_attribute = false;
  UserAttributes written{};
  double end_unix_ms = 2'000;
};

inline Recorder::End ToEnd(const Ending& ending) {
  return {.outcome = ending.outcome,
          .end_unix_ms = ending.end_unix_ms,
          .exact = ending.exact,
          .status_as_attribute = ending.status_as_attribute,
          .written = ending.written};
}

class HostDouble {
 public:
  explicit HostDouble(Profile profile = Profile::kAgents) : profile_(profile) {}

  Handle Open(Operation operation, Handle parent = kNoHandle, uint32_t flags = trace::kSpanNative) {
    fields = {};
    const Result<Handle> handle = recorder.OpenSpan({.operation = static_cast<uint32_t>(operation),
                                                     .profile = static_cast<uint32_t>(profile_),
                                                     .parent = parent,
                                                     .flags = flags,
                                                     .start_unix_ms = 1'000});
    REQUIRE(handle.ok());
    return handle.value();
  }
  void Text(Field field, uint32_t size) {
    fields.size[static_cast<size_t>(field)] = size;
    fields.Add(field);
  }
  void Interned(Field field, std::string_view text) { fields.SetInterned(field, recorder.Intern(text)); }

  /// Plans the start or end with the fields set so far and forgets them when that worked.
  Error Start(Handle handle, bool exact = false) {
    const Result<uint32_t> entries = recorder.Start(handle, fields, exact, plan);
    if (entries.ok()) CarryOut(entries.value());
    return entries.error();
  }
  Error End(Handle handle, const Ending& ending = {}) {
    const Result<Recorder::Ended> ended = recorder.EndSpan(handle, ToEnd(ending), fields, plan);
    if (!ended.ok()) return ended.error();
    status = ended.value().status;
    CarryOut(ended.value().entries);
    return Error::kOk;
  }

  /// Keys of what the last plan wrote, in its order.
  [[nodiscard]] std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    for (const Written& attribute : written) keys.push_back(attribute.key);
    return keys;
  }
  [[nodiscard]] const Written* Find(Field field) const {
    const auto found = std::find_if(written.begin(), written.end(), [&](const Written& w) { return w.field == field; });
    return found == written.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool Has(Field field) const { return Find(field) != nullptr; }
  /// How a field's value is given; fails the test when it was not written.
  [[nodiscard]] Source SourceOf(Field field) const {
    REQUIRE(Has(field));
    return Find(field)->source;
  }
  /// The number written, or -1 when there is none.
  [[nodiscard]] double Number(Field field) const {
    return Has(field) && SourceOf(field) == Source::kNumber ? numbers_.at(field) : -1;
  }
  /// The interned text written, or "?" when there is none.
  [[nodiscard]] std::string TextOf(Field field) const {
    const Written* attribute = Find(field);
    const bool interned =
        attribute != nullptr && (attribute->source == Source::kInterned || attribute->source == Source::kInternedList);
    return interned ? std::string(recorder.texts().Get(attribute->argument)) : "?";
  }
  [[nodiscard]] uint64_t Count(Counter counter) const { return recorder.counters().Get(counter); }

  Recorder recorder;
  FieldSet fields{};
  Plan plan{};
  std::vector<Written> written;  ///< by the last plan
  trace::StatusCode status = trace::StatusCode::kUnset;

 private:
  void CarryOut(uint32_t entries) {
    REQUIRE(entries <= kMaxFields);
    written.clear();
    numbers_.clear();
    for (uint32_t i = 0; i < entries; ++i) {
      const uint32_t code = plan.entries[i].what & 0xFF;
      REQUIRE(code < kFieldCount);
      const auto field = static_cast<Field>(code);
      REQUIRE_FALSE(Has(field));
      written.push_back({field, static_cast<Source>((plan.entries[i].what >> 8) & 0xFF), plan.entries[i].argument,
                         std::string(KeyOf(profile_, field)), (plan.entries[i].what & kLeftOut) != 0});
      numbers_[field] = fields.number[code];
    }
    fields = {};
  }

  Profile profile_;
  std::map<Field, double> numbers_;
};

}  // namespace isotel::genai
