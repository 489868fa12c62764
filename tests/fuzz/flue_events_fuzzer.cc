// Plays any sequence of events with any identifiers, and any other call, on any memory: a span is open from the action
// that opens it to the one that ends it, in a slot of its own, under a span that is open; none outlives its run or its
// submission, and no more are open than there may be.
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "abi/flue/isotel_flue.h"
#include "base/error.h"
#include "flue/event.h"
#include "flue/tables.h"
#include "fuzz_input.h"

namespace {

namespace flue = isotel::flue;
using isotel::fuzz::Require;

constexpr uint32_t kEvents = static_cast<uint32_t>(flue::EventType::kCount);
constexpr uint32_t kFields = 0
#define ISOTEL_FLUE_FIELD(name, key, type, content, formats, role, spans, path) +1
#include "flue/fields.def"
#undef ISOTEL_FLUE_FIELD
    ;

struct OpenSpan {
  uint32_t type = 0;
  std::string run{};
  std::string submission{};
};

struct Player : isotel::fuzz::Input {
  using Input::Input;
  uint32_t limit = 1 + Take<uint8_t>() % 16U;
  isotel_flue* context = isotel_flue_create(limit, Take<uint8_t>());
  std::map<uint32_t, OpenSpan> open{};
  // What the context knows, by position.
  std::array<std::string, ISOTEL_FLUE_IDS> known{};

  // Identifiers as the context is told of them.
  struct Told {
    uint32_t ids = 0;
    std::string text{};
    std::string run{};
    std::string submission{};
  };

  // One of a few, so that events often belong together; at times none, at times any bytes.
  std::string Id() {
    const uint32_t choice = Take<uint8_t>();
    if (choice < 96) return {};
    if (choice < 250) return std::string(1, static_cast<char>('a' + choice % 4));
    std::string text(Take<uint8_t>() * (choice == 255 ? 16U : 1U), 'x');
    Read(text.data(), std::min<size_t>(text.size(), 8));
    return text;
  }
  void Put(std::string_view text) {
    char* const buffer = static_cast<char*>(isotel_flue_buffer(context, static_cast<uint32_t>(text.size())));
    Require(buffer != nullptr || text.empty());
    text.copy(buffer, text.size());
  }
  void Check(int32_t count, const std::string& run, const std::string& submission) {
    const auto* op = static_cast<const uint32_t*>(isotel_flue_output(context));
    for (int32_t i = 0; i < count; ++i, op += ISOTEL_FLUE_OP_SIZE) {
      const uint32_t code = op[ISOTEL_FLUE_OP_CODE];
      const uint32_t span = op[ISOTEL_FLUE_OP_SPAN];
      const uint32_t type = op[ISOTEL_FLUE_OP_TYPE];
      Require(span != 0 && type < static_cast<uint32_t>(flue::SpanType::kCount));
      if (code == ISOTEL_FLUE_OPEN) {
        CheckOpen(op, run, submission);
      } else if (code == ISOTEL_FLUE_END) {
        Require(open.count(span) == 1 && open[span].type == type);
        open.erase(span);
      } else {
        Require(code == ISOTEL_FLUE_LOG && open.count(span) == 1);
      }
    }
  }
  void CheckOpen(const uint32_t* op, const std::string& run, const std::string& submission) {
    const uint32_t span = op[ISOTEL_FLUE_OP_SPAN];
    const uint32_t parent = op[ISOTEL_FLUE_OP_PARENT];
    const uint32_t predecessor = op[ISOTEL_FLUE_OP_PREDECESSOR];
    Require(parent == 0 || open.count(parent) == 1);
    Require(predecessor == 0 || open.count(predecessor) == 1);
    for (const auto& [other, ignored] : open) Require(((other ^ span) & ((1U << ISOTEL_FLUE_SLOT_BITS) - 1)) != 0);
    Require(open.size() < limit);
    open[span] = {op[ISOTEL_FLUE_OP_TYPE], run, submission};
  }
  // Leaves out what the context knows, mostly.
  Told Tell() {
    Told told;
    for (uint32_t i = 0; i < ISOTEL_FLUE_IDS; ++i) {
      const std::string id = Id();
      if (i == 0) told.run = id;
      if (i == ISOTEL_FLUE_IDS - 1) told.submission = id;
      if (id.empty()) continue;
      told.ids |= 1U << i;
      if (id == known[i]) continue;
      told.ids |= 1U << (ISOTEL_FLUE_IDS + i);
      told.text.append(known[i] = id).append(1, '\0');
    }
    return told;
  }
  void Forget() { known.fill({}); }
  void Event() {
    const uint32_t event = Take<uint8_t>() % (kEvents + 1);
    const auto [ids, text, run, submission] = Tell();
    Put(text);
    const uint32_t flags = Take<uint8_t>();
    const double now = Take<uint8_t>() % 8 == 0 ? Take<double>() : Take<uint8_t>();
    const int32_t count = isotel_flue_event(context, event, flags, ids, static_cast<uint32_t>(text.size()), now);
    if (count < 0) return Forget();
    Check(count, run, submission);
    const bool has_run_ended = event == static_cast<uint32_t>(flue::EventType::kRunEnd) && IsId(run);
    const bool has_settled = event == static_cast<uint32_t>(flue::EventType::kSubmissionSettled) && IsId(submission);
    for (const auto& [ignored, span] : open) {
      Require(!has_run_ended || span.run != run);
      Require(!has_settled || span.submission != submission);
    }
  }
  // Whether it identifies something: what has a separator in it has been another identifier, too.
  static bool IsId(const std::string& id) {
    return !id.empty() && id.find('\0') == std::string::npos && id.size() <= 1'024;
  }
  void Scribble() {
    const uint32_t size = Take<uint16_t>();
    void* const buffer = isotel_flue_buffer(context, size);
    Require(buffer != nullptr || size == 0);
    Read(buffer, std::min<size_t>(size, Take<uint8_t>()));
    const uint32_t event = Take<uint8_t>() % kEvents;
    Check(isotel_flue_event(context, event, Number(), Number(), Number(), Take<uint8_t>()), "\0", {});
    Forget();
  }
  void Find() {
    const auto [ids, text, ignored, also_ignored] = Tell();
    Put(text);
    const uint32_t found =
        isotel_flue_find(context, Take<uint8_t>() % (kEvents + 1), ids, static_cast<uint32_t>(text.size()));
    Require(found == 0 || open.count(found) == 1);
    if (found == 0) Forget();
  }
  void Fit() {
    std::array<uint32_t, 16> sizes{};
    const uint32_t count = Take<uint8_t>() % (sizes.size() / 2 + 1);
    for (uint32_t i = 0; i < 2 * count; ++i) sizes[i] = Number();
    const uint32_t available = Number();
    Put({reinterpret_cast<const char*>(sizes.data()), count * size_t{8}});
    Require(isotel_flue_fit(context, count, available) == static_cast<int32_t>(count));
    const auto* keep = static_cast<const uint32_t*>(isotel_flue_output(context));
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t value = sizes[2 * i + 1] & ~ISOTEL_FLUE_CUTTABLE;
      const bool is_cut = keep[i] != ISOTEL_FLUE_KEEP_ALL && keep[i] != 0;
      Require(!is_cut || ((sizes[2 * i + 1] & ISOTEL_FLUE_CUTTABLE) != 0 && keep[i] < value));
      if (keep[i] != 0) bytes += uint64_t{sizes[2 * i]} + (is_cut ? keep[i] : value);
    }
    Require(bytes <= available);
    const uint32_t too_many = Number();
    Require(isotel_flue_fit(context, too_many, available) == static_cast<int32_t>(too_many) ||
            isotel_flue_fit(context, too_many, available) < 0);
  }
  void Plan() {
    const int32_t count = isotel_flue_plan(context, Take<uint8_t>() % 3U, Take<uint8_t>() % 6U, Take<uint8_t>() % 20U);
    const auto* plan = static_cast<const uint32_t*>(isotel_flue_output(context));
    for (int32_t i = 0; i < count; ++i) Require(plan[i] < kFields && (i == 0 || plan[i - 1] < plan[i]));
  }
  void EndAll() {
    Check(isotel_flue_end_all(context), {}, {});
    Require(open.empty());
  }
  void Play() {
    const uint32_t call = Take<uint8_t>();
    if (call < 212) return Event();
    if (call < 224) return Find();
    if (call < 234) return Scribble();
    if (call < 244) return Fit();
    if (call < 252) return Plan();
    if (call < 254) return EndAll();
    Require(isotel_flue_buffer(context, UINT32_MAX) == nullptr);
  }
  void CheckCounters() {
    const auto* const counters = static_cast<const double*>(isotel_flue_counters(context));
    Require(counters[0] == static_cast<double>(open.size()) && open.size() <= limit);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Player player(data, size);
  while (!player.empty()) {
    player.Play();
    player.CheckCounters();
  }
  player.EndAll();
  player.CheckCounters();
  isotel_flue_destroy(player.context);
  return 0;
}
