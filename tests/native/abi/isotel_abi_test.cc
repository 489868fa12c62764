#include "abi/core/isotel_abi.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/error.h"
#include "base/limits.h"
#include "genai/fields.h"

namespace isotel {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What a host may get wrong in a 32-bit argument.
constexpr uint32_t kHostile[]{
    0,       1,          2,          3,          5,          6,         16, 255, 1 << 14, (1 << 14) | 1,
    3 << 14, 0x7FFFFFFF, 0x80000000, 0xFFFFC000, 0xFFFFFFFE, 0xFFFFFFFF};

int32_t Code(Error error) { return static_cast<int32_t>(error); }

class Host {
 public:
  Host() : context(isotel_create()), exchange(static_cast<unsigned char*>(isotel_shared_block(context))) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() { isotel_destroy(context); }

  // Puts a text into the buffer; its length.
  uint32_t Put(std::string_view text) {
    void* buffer = isotel_buffer(context, static_cast<uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(buffer, text.data(), text.size());
    return static_cast<uint32_t>(text.size());
  }
  // The text a call answered with.
  std::string Answer(int32_t length) {
    REQUIRE(length >= 0);
    return std::string(static_cast<const char*>(isotel_buffer(context, 0)), static_cast<size_t>(length));
  }
  std::vector<uint32_t> Words(size_t count) {
    std::vector<uint32_t> words(count);
    if (count > 0) std::memcpy(words.data(), isotel_buffer(context, 0), count * sizeof(uint32_t));
    return words;
  }
  void PutWords(const std::vector<uint32_t>& words) {
    std::memcpy(isotel_buffer(context, static_cast<uint32_t>(words.size() * 4)), words.data(), words.size() * 4);
  }

  template <typename T>
  void Write(size_t offset, T value) {
    std::memcpy(exchange + offset, &value, sizeof value);
  }
  template <typename T>
  [[nodiscard]] T Read(size_t offset) const {
    T value;
    std::memcpy(&value, exchange + offset, sizeof value);
    return value;
  }
  void Present(genai::Field field) {
    const auto index = static_cast<uint32_t>(field);
    const size_t at = ISOTEL_BLOCK_PRESENT + index / 32 * 4;
    Write(at, Read<uint32_t>(at) | (1U << index % 32));
  }
  void Number(genai::Field field, double value) {
    Write(ISOTEL_BLOCK_NUMBER + static_cast<size_t>(field) * 8, value);
    Present(field);
  }
  void Text(genai::Field field, uint32_t size, uint32_t id = 0) {
    Write(ISOTEL_BLOCK_SIZE + static_cast<size_t>(field) * 4, size);
    Write(ISOTEL_BLOCK_TEXT_ID + static_cast<size_t>(field) * 4, id);
    Present(field);
  }
  void Clear() { std::memset(exchange, 0, ISOTEL_BLOCK_BYTES); }
  [[nodiscard]] double Result(size_t index) const { return Read<double>(ISOTEL_BLOCK_RESULT + index * 8); }
  // Fields of the last plan and where their values are.
  [[nodiscard]] std::map<genai::Field, std::pair<uint32_t, uint32_t>> Plan(int32_t entries) const {
    REQUIRE(entries >= 0);
    REQUIRE(entries <= ISOTEL_MAX_FIELDS);
    std::map<genai::Field, std::pair<uint32_t, uint32_t>> plan;
    for (size_t i = 0; i < static_cast<size_t>(entries); ++i) {
      const auto what = Read<uint32_t>(ISOTEL_BLOCK_PLAN + i * 8);
      const auto argument = Read<uint32_t>(ISOTEL_BLOCK_PLAN + i * 8 + 4);
      REQUIRE(plan.emplace(static_cast<genai::Field>(what & 0xFF), std::pair(what >> 8, argument)).second);
    }
    return plan;
  }
  uint64_t Count(Counter counter) {
    CHECK(isotel_counters(context) == static_cast<int32_t>(kCounterCount));
    return static_cast<uint64_t>(Result(static_cast<size_t>(counter)));
  }
  uint32_t Open(uint32_t operation = 0, uint32_t scope = 0, uint32_t flags = ISOTEL_SPAN_NATIVE) {
    const uint32_t span = isotel_span_open(context, operation, 0, scope, flags, 1'000);
    REQUIRE(span != 0);
    return span;
  }
  int32_t End(uint32_t span, uint32_t outcome = 0, uint32_t flags = 0) {
    return isotel_span_end(context, span, outcome, flags, 2'000, 0, 0, 0);
  }

  isotel_context* context;
  unsigned char* exchange;
};

TEST_CASE("The version is that of the header") { CHECK(isotel_abi_version() == ISOTEL_ABI_VERSION); }

TEST_CASE("A context that was never made can be destroyed") { isotel_destroy(nullptr); }

TEST_CASE_FIXTURE(Host, "The shared block is aligned, zero at first and stays where it is") {
  CHECK(reinterpret_cast<uintptr_t>(exchange) % 8 == 0);
  for (size_t i = 0; i < ISOTEL_BLOCK_BYTES; ++i) REQUIRE(exchange[i] == 0);
  CHECK(isotel_buffer(context, 1 << 20) != nullptr);
  for (int i = 0; i < 1'000; ++i) (void)Open();
  CHECK(isotel_shared_block(context) == exchange);
}

TEST_CASE_FIXTURE(Host, "The buffer grows to its limit and no further") {
  CHECK(isotel_buffer(context, kMaxBufferBytes) != nullptr);
  CHECK(isotel_buffer(context, kMaxBufferBytes + 1) == nullptr);
  CHECK(isotel_buffer(context, UINT32_MAX) == nullptr);
  auto* bytes = static_cast<char*>(isotel_buffer(context, 1));
  bytes[0] = 'a';
  bytes[kMaxBufferBytes - 1] = 'z';
  CHECK(isotel_buffer(context, 2) == bytes);
}

TEST_CASE_FIXTURE(Host, "Contexts share nothing") {
  Host other;
  const uint32_t span = Open();
  CHECK(isotel_span_status(other.context, span, ISOTEL_STATUS_OK) == Code(Error::kStaleHandle));
  CHECK(other.Count(Counter::kSpansOpened) == 0);
  CHECK(Count(Counter::kSpansOpened) == 1);
  CHECK(Count(Counter::kStaleHandles) == 0);
}

TEST_CASE_FIXTURE(Host, "Counters come in the order of their table") {
  const char* const kOrder[]{"spans_opened",
                             "spans_ended",
                             "spans_refused",
                             "spans_truncated",
                             "spans_evicted",
                             "scopes_evicted",
                             "double_ends",
                             "late_writes",
                             "stale_handles",
                             "unknown_codes",
                             "attributes_dropped_limit",
                             "attributes_dropped_bytes",
                             "attributes_dropped_type",
                             "attributes_cut",
                             "names_cut",
                             "intern_overflows",
                             "label_values_overflowed"};
  size_t next = 0;
#define ISOTEL_COUNTER(name, wire_name)               \
  CHECK(next < kCounterCount);                        \
  CHECK(std::string_view(kOrder[next]) == wire_name); \
  CHECK(static_cast<size_t>(Counter::name) == next);  \
  ++next;
#include "base/counters.def"
#undef ISOTEL_COUNTER
  const uint32_t span = Open();
  CHECK(End(span, 3) >= 0);
  CHECK(isotel_counters(context) == static_cast<int32_t>(next));
  CHECK(Result(0) == 1);
  CHECK(Result(1) == 1);
  CHECK(Result(2) == 0);
  CHECK(Result(3) == 1);
}

TEST_CASE_FIXTURE(Host, "Keys are one a line in the order of the fields") {
  const std::string agents = Answer(isotel_keys(context, 0));
  CHECK(agents.rfind("gen_ai.operation.name\ncloudflare.agents.integration.name\n", 0) == 0);
  for (const genai::Profile profile : {genai::Profile::kAgents, genai::Profile::kLatest}) {
    std::string expected;
    for (size_t i = 0; i < genai::kFieldCount; ++i) {
      expected += genai::KeyOf(profile, static_cast<genai::Field>(i));
      expected += '\n';
    }
    expected.pop_back();
    CHECK(Answer(isotel_keys(context, static_cast<uint32_t>(profile))) == expected);
  }
}

TEST_CASE_FIXTURE(Host, "Keys of an unknown profile are an error") {
  CHECK(isotel_keys(context, genai::kProfileCount) == Code(Error::kUnknownProfile));
  CHECK(isotel_keys(context, UINT32_MAX) == Code(Error::kUnknownProfile));
}

TEST_CASE_FIXTURE(Host, "An interned text comes back as it was") {
  const uint32_t id = isotel_intern(context, Put("gpt-5 \xF0\x9F\x98\x80"), ISOTEL_MAX_FIELDS);
  CHECK(id != 0);
  CHECK(isotel_intern(context, Put("gpt-5 \xF0\x9F\x98\x80"), ISOTEL_MAX_FIELDS) == id);
  (void)Put("overwritten everything there");
  CHECK(Answer(isotel_text(context, id)) == "gpt-5 \xF0\x9F\x98\x80");
  CHECK(isotel_text(context, isotel_intern(context, 0, ISOTEL_MAX_FIELDS)) == 0);
}

TEST_CASE_FIXTURE(Host, "An unknown text is an error") {
  const uint32_t id = isotel_intern(context, Put("last"), ISOTEL_MAX_FIELDS);
  CHECK(isotel_text(context, 0) == Code(Error::kUnknownText));
  CHECK(isotel_text(context, id + 1) == Code(Error::kUnknownText));
  CHECK(isotel_text(context, UINT32_MAX) == Code(Error::kUnknownText));
}

TEST_CASE_FIXTURE(Host, "An interned text longer than the buffer grows it") {
  Host other;
  const std::string text(5'000, 'x');
  const uint32_t id = isotel_intern(context, Put(text), ISOTEL_MAX_FIELDS);
  CHECK(Answer(isotel_text(context, id)) == text);
}

TEST_CASE_FIXTURE(Host, "A full intern table answers none and counts") {
  uint32_t refused = 0;
  for (uint32_t i = 0; i < kMaxInternedTexts; ++i)
    refused += isotel_intern(context, Put(std::to_string(i)), ISOTEL_MAX_FIELDS) == 0;
  CHECK(refused > 0);
  CHECK(Count(Counter::kInternOverflows) == refused);
}

TEST_CASE_FIXTURE(Host, "Span names are built in the buffer") {
  CHECK(Answer(isotel_span_name(context, 2, Put("gpt-5"))) == "chat gpt-5");
  CHECK(Answer(isotel_span_name(context, 1, 0)) == "invoke_agent");
  CHECK(Answer(isotel_span_name(context, 3, Put(std::string(100, 'x')))) == "execute_tool");
  CHECK(isotel_span_name(context, genai::kOperationCount, 0) == Code(Error::kUnknownOperation));
  CHECK(isotel_span_name(context, UINT32_MAX, 0) == Code(Error::kUnknownOperation));
  CHECK(Count(Counter::kUnknownCodes) == 2);
}

TEST_CASE_FIXTURE(Host, "A name grows a buffer that only held its target") {
  Host fresh;
  CHECK(fresh.Answer(isotel_span_name(fresh.context, 1, fresh.Put("a"))) == "invoke_agent a");
  CHECK(fresh.Answer(isotel_metadata_key(fresh.context, 0, fresh.Put("k"))) == "cloudflare.agents.metadata.k");
}

TEST_CASE_FIXTURE(Host, "A name of 64 bytes is kept and a longer one is cut at a character and counted") {
  CHECK(isotel_cut_name(context, Put(std::string(64, 'a'))) == 64);
  CHECK(isotel_cut_name(context, 0) == 0);
  CHECK(Count(Counter::kNamesCut) == 0);
  CHECK(isotel_cut_name(context, Put(std::string(65, 'a'))) == 64);
  CHECK(isotel_cut_name(context, Put(std::string(63, 'a') + "\xC3\xA9")) == 63);
  CHECK(isotel_cut_name(context, Put(std::string(61, 'a') + "\xF0\x9F\x98\x80")) == 61);
  CHECK(isotel_cut_name(context, Put(std::string(60, 'a') + "\xF0\x9F\x98\x80")) == 64);
  CHECK(Count(Counter::kNamesCut) == 3);
}

TEST_CASE_FIXTURE(Host, "Provider names are answered in the buffer") {
  CHECK(Answer(isotel_provider_name(context, Put("google.vertex.chat"))) == "gcp.vertex_ai");
  CHECK(Answer(isotel_provider_name(context, Put("my-gateway"))) == "my-gateway");
  CHECK(isotel_provider_name(context, 0) == 0);
}

TEST_CASE_FIXTURE(Host, "Metadata keys are answered in the buffer") {
  CHECK(Answer(isotel_metadata_key(context, ISOTEL_METADATA, Put("k"))) == "cloudflare.agents.metadata.k");
  CHECK(Answer(isotel_metadata_key(context, ISOTEL_RUNTIME_CONTEXT, Put("k"))) ==
        "cloudflare.agents.runtime_context.k");
  CHECK(isotel_metadata_key(context, ISOTEL_METADATA, Put("agentId")) == 0);
  CHECK(isotel_metadata_key(context, 2, Put("k")) == Code(Error::kOutOfRange));
  CHECK(isotel_metadata_key(context, UINT32_MAX, Put("k")) == Code(Error::kOutOfRange));
}

TEST_CASE_FIXTURE(Host, "A length beyond the buffer reads nothing beyond it") {
  (void)Put("abc");
  for (const uint32_t length : {1U << 20, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    CAPTURE(length);
    CHECK(isotel_span_name(context, 2, length) <= 4);
    CHECK(isotel_cut_name(context, length) <= 0);
    CHECK(isotel_provider_name(context, length) <= 0);
    CHECK(isotel_metadata_key(context, 0, length) <= 27);
    CHECK(isotel_span_fit(context, Open(), length, 0) == Code(Error::kOutOfRange));
    const uint32_t id = isotel_intern(context, length, ISOTEL_MAX_FIELDS);
    if (id != 0) CHECK(isotel_text(context, id) == 0);
  }
}

TEST_CASE_FIXTURE(Host, "A scope tells its open spans newest first") {
  const uint32_t scope = isotel_scope_open(context);
  REQUIRE(scope != 0);
  CHECK(isotel_scope_spans(context, scope, 0) == 0);
  const uint32_t a = Open(0, scope);
  const uint32_t b = Open(0, scope, ISOTEL_SPAN_BOUNDED);
  const uint32_t c = Open(0, scope);
  CHECK(isotel_scope_spans(context, scope, 0) == 3);
  CHECK(Words(3) == std::vector<uint32_t>{c, b, a});
  CHECK(isotel_scope_spans(context, scope, 1) == 1);
  CHECK(Words(1) == std::vector<uint32_t>{b});
  CHECK(isotel_scope_close(context, scope) == 0);
  CHECK(isotel_scope_spans(context, scope, 0) == Code(Error::kAlreadyEnded));
  CHECK(isotel_scope_close(context, scope) == Code(Error::kAlreadyEnded));
  for (const uint32_t span : {a, b, c}) CHECK(End(span) >= 0);
}

TEST_CASE_FIXTURE(Host, "Past the limit the oldest scope is forgotten and counted") {
  const uint32_t first = isotel_scope_open(context);
  for (uint32_t i = 1; i < kMaxOpenScopes; ++i) REQUIRE(isotel_scope_open(context) != 0);
  CHECK(isotel_scope_open(context) != 0);
  CHECK(Count(Counter::kScopesEvicted) == 1);
  CHECK(isotel_scope_close(context, first) == Code(Error::kAlreadyEnded));
}

TEST_CASE_FIXTURE(Host, "A sweep of a full scope ends all its spans") {
  const uint32_t scope = isotel_scope_open(context);
  for (uint32_t i = 0; i < kMaxOpenSpansPerScope; ++i) (void)Open(0, scope);
  CHECK(isotel_span_open(context, 0, 0, scope, 0, 1) == 0);
  const int32_t open = isotel_scope_spans(context, scope, 0);
  CHECK(open == static_cast<int32_t>(kMaxOpenSpansPerScope));
  for (const uint32_t span : Words(static_cast<size_t>(open))) {
    Clear();
    const int32_t entries = End(span, 3);
    REQUIRE(Plan(entries).count(genai::Field::kTruncated) == 1);
  }
  CHECK(Count(Counter::kSpansTruncated) == kMaxOpenSpansPerScope);
  CHECK(isotel_scope_spans(context, scope, 0) == 0);
}

TEST_CASE_FIXTURE(Host, "A span is opened, started, charged and ended") {
  const uint32_t span = Open(2);
  const uint32_t model = isotel_intern(context, Put("gpt-5"), ISOTEL_MAX_FIELDS);
  Clear();
  Text(genai::Field::kRequestModel, ISOTEL_INTERNED_SIZE, model);
  Text(genai::Field::kAgentName, 7);
  Number(genai::Field::kStream, 1);
  auto plan = Plan(isotel_span_start(context, span, 0));
  CHECK(plan.size() == 4);
  CHECK(plan[genai::Field::kRequestModel] == std::pair<uint32_t, uint32_t>(ISOTEL_SOURCE_INTERNED, model));
  CHECK(plan[genai::Field::kAgentName].first == ISOTEL_SOURCE_TEXT);
  CHECK(plan[genai::Field::kStream].first == ISOTEL_SOURCE_TRUE);
  CHECK(Answer(isotel_text(context, plan[genai::Field::kOperationName].second)) == "chat");

  CHECK(isotel_span_reserve(context, span, 3, 1'000, 1) == 125);
  CHECK(Result(0) < ISOTEL_START_BYTES - 1'000);
  CHECK(isotel_span_first_chunk(context, span, 1'500) == 0);
  CHECK(isotel_span_status(context, span, ISOTEL_STATUS_OK) == 0);

  Clear();
  Number(genai::Field::kInputTokens, 12);
  const int32_t entries = isotel_span_end(context, span, 1, ISOTEL_STATUS_AS_ATTRIBUTE, 3'000, 1, 10, 1);
  plan = Plan(entries);
  CHECK(plan.size() == 4);
  CHECK(plan[genai::Field::kStatusCode].first == ISOTEL_SOURCE_INTERNED);
  CHECK(plan[genai::Field::kInputTokens].first == ISOTEL_SOURCE_NUMBER);
  CHECK(plan[genai::Field::kTimeToFirstChunk].first == ISOTEL_SOURCE_NUMBER);
  CHECK(plan[genai::Field::kDroppedAttributesCount].first == ISOTEL_SOURCE_NUMBER);
  const auto number = [&](genai::Field field) { return Read<double>(static_cast<size_t>(field) * 8); };
  CHECK(number(genai::Field::kDroppedAttributesCount) == 2);
  CHECK(number(genai::Field::kTimeToFirstChunk) == 0.5);
  CHECK(Result(0) == ISOTEL_STATUS_OK);
}

TEST_CASE_FIXTURE(Host, "The profile of a span is in its flags") {
  const uint32_t latest = 1U << ISOTEL_SPAN_PROFILE_SHIFT;
  const uint32_t span = Open(4, 0, ISOTEL_SPAN_NATIVE | latest);
  Clear();
  CHECK(Plan(isotel_span_start(context, span, 0)).count(genai::Field::kOperationName) == 0);
  CHECK(isotel_span_open(context, 0, 0, 0, 2U << ISOTEL_SPAN_PROFILE_SHIFT, 1) == 0);
  CHECK(isotel_span_open(context, 0, 0, 0, 0xFF00, 1) == 0);
  CHECK(Count(Counter::kUnknownCodes) == 2);
  // Bits nobody gave a meaning are ignored.
  CHECK(isotel_span_open(context, 0, 0, 0, 0xFFFF00FF, 1) != 0);
}

TEST_CASE_FIXTURE(Host, "A fresh custom span allows what the header says") {
  CHECK(isotel_span_reserve(context, Open(), 0, 0, 0) == ISOTEL_MAX_USER_ATTRIBUTES);
  CHECK(Result(0) == ISOTEL_START_BYTES);
  (void)isotel_span_reserve(context, Open(0, 0, 0), 0, 0, 0);
  CHECK(Result(0) == UINT32_MAX);
}

TEST_CASE_FIXTURE(Host, "Exact sizes are decided in the buffer") {
  const uint32_t span = Open();
  PutWords({10, 100'000 | ISOTEL_CUTTABLE, 10, 8, 10, 100'000, 10, 50 | ISOTEL_CUTTABLE});
  CHECK(isotel_span_fit(context, span, 4, 1) == 4);
  CHECK(Words(4) == std::vector<uint32_t>{ISOTEL_MAX_VALUE_BYTES, ISOTEL_KEEP_ALL, 0, ISOTEL_KEEP_ALL});
  CHECK(Count(Counter::kAttributesCut) == 1);
  CHECK(Count(Counter::kAttributesDroppedBytes) == 1);
  CHECK(Count(Counter::kAttributesDroppedType) == 1);
  CHECK(isotel_span_fit(context, span, 0, 0) == 0);
}

TEST_CASE_FIXTURE(Host, "More sizes than the span takes are answered with drops") {
  const uint32_t span = Open();
  PutWords(std::vector<uint32_t>(400, 1));
  CHECK(isotel_span_fit(context, span, 200, 0) == 128);
  const std::vector<uint32_t> keep = Words(200);
  CHECK(keep[127] == ISOTEL_KEEP_ALL);
  CHECK(keep[128] == 0);
  CHECK(keep[199] == 0);
  CHECK(Count(Counter::kAttributesDroppedLimit) == 72);
}

TEST_CASE_FIXTURE(Host, "More sizes than the buffer holds are out of range") {
  const uint32_t span = Open();
  PutWords({10, 20, 10, 20});
  CHECK(isotel_span_fit(context, span, 3, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_span_fit(context, span, 2, 0) == 2);
}

TEST_CASE_FIXTURE(Host, "A fit on a span that is gone leaves the buffer alone") {
  PutWords({10, 20, 30, 40});
  CHECK(isotel_span_fit(context, 99, 2, 0) == Code(Error::kStaleHandle));
  CHECK(Words(4) == std::vector<uint32_t>{10, 20, 30, 40});
}

TEST_CASE_FIXTURE(Host, "Exact sizes are asked for in start and end and the span stays open") {
  const uint32_t span = Open(2);
  Clear();
  Text(genai::Field::kInputMessages, 20'000);
  CHECK(isotel_span_start(context, span, 0) == Code(Error::kNeedExactSizes));
  CHECK(isotel_span_start(context, span, ISOTEL_SIZES_EXACT) == 2);
  Clear();
  Text(genai::Field::kOutputMessages, 10'000);
  CHECK(End(span) == Code(Error::kNeedExactSizes));
  CHECK(Count(Counter::kSpansEnded) == 0);
  CHECK(End(span, 0, ISOTEL_SIZES_EXACT) == 1);
  CHECK(Count(Counter::kSpansEnded) == 1);
}

TEST_CASE_FIXTURE(Host, "A failed span says its status in the result and as an attribute where asked") {
  Clear();
  CHECK(End(Open(), 1) == 0);
  CHECK(Result(0) == ISOTEL_STATUS_ERROR);
  Clear();
  const auto plan = Plan(End(Open(), 1, ISOTEL_STATUS_AS_ATTRIBUTE));
  REQUIRE(plan.count(genai::Field::kStatusCode) == 1);
  CHECK(plan.at(genai::Field::kStatusCode).first == ISOTEL_SOURCE_INTERNED);
  CHECK(Answer(isotel_text(context, plan.at(genai::Field::kStatusCode).second)) == "ERROR");
}

TEST_CASE_FIXTURE(Host, "Unknown outcomes and statuses are refused and the span stays as it is") {
  const uint32_t span = Open();
  for (const uint32_t outcome : {4U, 255U, UINT32_MAX}) CHECK(End(span, outcome) == Code(Error::kUnknownOutcome));
  CHECK(Count(Counter::kUnknownCodes) == 3);
  CHECK(isotel_span_status(context, span, 3) == Code(Error::kOutOfRange));
  CHECK(isotel_span_status(context, span, UINT32_MAX) == Code(Error::kOutOfRange));
  CHECK(End(span) == 0);
  CHECK(Result(0) == ISOTEL_STATUS_UNSET);
}

TEST_CASE_FIXTURE(Host, "Calls on a span that has ended are counted no-ops") {
  const uint32_t span = Open();
  CHECK(End(span) == 0);
  CHECK(isotel_span_start(context, span, 0) == Code(Error::kAlreadyEnded));
  CHECK(isotel_span_reserve(context, span, 1, 1, 1) == Code(Error::kAlreadyEnded));
  CHECK(isotel_span_fit(context, span, 0, 1) == Code(Error::kAlreadyEnded));
  CHECK(isotel_span_first_chunk(context, span, 5) == Code(Error::kAlreadyEnded));
  CHECK(isotel_span_status(context, span, ISOTEL_STATUS_ERROR) == Code(Error::kAlreadyEnded));
  CHECK(Count(Counter::kLateWrites) == 5);
  CHECK(End(span) == Code(Error::kAlreadyEnded));
  CHECK(Count(Counter::kDoubleEnds) == 1);
  CHECK(Count(Counter::kAttributesDroppedType) == 0);
}

TEST_CASE_FIXTURE(Host, "Calls with a handle of nothing are counted no-ops") {
  for (const uint32_t handle : kHostile) {
    CAPTURE(handle);
    const uint64_t before = Count(Counter::kStaleHandles);
    CHECK(isotel_span_start(context, handle, 0) == Code(Error::kStaleHandle));
    CHECK(isotel_span_reserve(context, handle, 1, 1, 1) == Code(Error::kStaleHandle));
    CHECK(isotel_span_fit(context, handle, 0, 1) == Code(Error::kStaleHandle));
    CHECK(isotel_span_first_chunk(context, handle, 5) == Code(Error::kStaleHandle));
    CHECK(isotel_span_status(context, handle, ISOTEL_STATUS_ERROR) == Code(Error::kStaleHandle));
    CHECK(End(handle) == Code(Error::kStaleHandle));
    CHECK(isotel_scope_spans(context, handle, 0) == Code(Error::kStaleHandle));
    CHECK(isotel_scope_close(context, handle) == Code(Error::kStaleHandle));
    CHECK(Count(Counter::kStaleHandles) == before + 8);
  }
}

TEST_CASE_FIXTURE(Host, "Hostile arguments of every call leave a context that works") {
  for (const uint32_t a : kHostile) {
    for (const uint32_t b : kHostile) {
      for (const double time : {0.0, -1.0, kNan, kInfinity, 1e300}) {
        Clear();
        const uint32_t span = isotel_span_open(context, a % 7, b, b, a, time);
        for (const uint32_t target : {a, span}) {
          (void)isotel_span_reserve(context, target, a, b, a);
          (void)isotel_span_first_chunk(context, target, time);
          (void)isotel_span_status(context, target, b);
          std::memset(exchange, static_cast<int>(b & 0xFF), ISOTEL_BLOCK_BYTES);
          (void)isotel_span_start(context, target, b);
          (void)isotel_span_end(context, target, b % 5, a, time, b, a, b);
        }
      }
      (void)isotel_span_fit(context, a, b, a);
      (void)isotel_text(context, a);
      (void)isotel_intern(context, b, ISOTEL_MAX_FIELDS);
      (void)isotel_keys(context, a);
      (void)isotel_scope_spans(context, a, b);
      (void)isotel_scope_close(context, a);
    }
  }
  Clear();
  const uint32_t span = Open(2);
  CHECK(isotel_span_start(context, span, 0) == 1);
  CHECK(End(span) == 0);
  // Every span that was opened has ended or is open still, and none was counted twice.
  CHECK(Count(Counter::kSpansOpened) >= Count(Counter::kSpansEnded));
}

TEST_CASE_FIXTURE(Host, "GenAI metrics need metrics that are open, and prices a buffer that holds the model") {
  CHECK(isotel_genai_metrics(context, 0, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_genai_price(context, 1, 1, 1, 1, 1) == Code(Error::kOutOfRange));
  Put("0123456789abcdef");
  REQUIRE(isotel_metrics_open(context) == 0);
  CHECK(isotel_genai_metrics(context, 0, UINT32_MAX) == Code(Error::kOutOfRange));
  CHECK(isotel_genai_metrics(context, UINT32_MAX, Put("EUR")) == 0);
  CHECK(isotel_genai_price(context, UINT32_MAX, 1, 1, 1, 1) == Code(Error::kOutOfRange));
  CHECK(isotel_genai_price(context, Put("gpt-5"), 1, 1, kNan, kNan) == 0);
  CHECK(isotel_genai_price(context, Put("gpt-5"), -1, 1, kNan, kNan) == Code(Error::kInvalidValue));
}

TEST_CASE_FIXTURE(Host, "An untraced span plans nothing and is measured") {
  Put("0123456789abcdef");
  REQUIRE(isotel_metrics_open(context) == 0);
  REQUIRE(isotel_genai_metrics(context, 0, 0) == 0);
  const uint32_t span = Open(2, 0, ISOTEL_SPAN_NATIVE | ISOTEL_SPAN_UNTRACED);
  const uint32_t model = isotel_intern(context, Put("gpt-5"), ISOTEL_MAX_FIELDS);
  Text(genai::Field::kRequestModel, 5, model);
  CHECK(isotel_span_start(context, span, 0) == 0);
  CHECK(isotel_span_first_chunk(context, span, 1'100) == 0);
  CHECK(isotel_span_next_chunk(context, span, 1'200) == 0);
  CHECK(isotel_metrics_status(context) > 0);
  CHECK(Result(ISOTEL_METRICS_ROWS) == 0);
  Number(genai::Field::kInputTokens, 10);
  CHECK(End(span) == 0);
  CHECK(isotel_span_next_chunk(context, span, 1'200) == Code(Error::kAlreadyEnded));
  CHECK(isotel_metrics_status(context) > 0);
  // Duration, both times of chunks, input tokens twice.
  CHECK(Result(ISOTEL_METRICS_ROWS) == 5);
}

TEST_CASE_FIXTURE(Host, "A hundred thousand spans in turn need the memory of one") {
  for (int i = 0; i < 100'000; ++i) {
    const uint32_t span = isotel_span_open(context, 1, 0, 0, 0, 1);
    if ((span & (ISOTEL_MAX_SPAN_SLOTS - 1)) != 0) FAIL("another slot after " << i);
    (void)End(span);
  }
  CHECK(Count(Counter::kSpansEnded) == 100'000);
}

}  // namespace
}  // namespace isotel
