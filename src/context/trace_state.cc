#include "context/trace_state.h"

#include <algorithm>
#include <vector>

#include "context/characters.h"

namespace isotel::context {
namespace {

constexpr size_t kMaxKeyBytes = 256;
constexpr size_t kMaxTenantBytes = 241;
constexpr size_t kMaxSystemBytes = 14;
constexpr size_t kMaxValueBytes = 256;
constexpr size_t kLongMemberBytes = 128;

bool AreKeyCharacters(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLower(c) || IsDigit(c) || c == '_' || c == '-' || c == '*' || c == '/'; });
}

bool IsKey(std::string_view key) {
  const size_t at = key.find('@');
  if (at == std::string_view::npos) {
    return !key.empty() && key.size() <= kMaxKeyBytes && IsLower(key.front()) && AreKeyCharacters(key);
  }
  const std::string_view tenant = key.substr(0, at);
  const std::string_view system = key.substr(at + 1);
  return !tenant.empty() && tenant.size() <= kMaxTenantBytes && (IsLower(tenant.front()) || IsDigit(tenant.front())) &&
         AreKeyCharacters(tenant) && !system.empty() && system.size() <= kMaxSystemBytes && IsLower(system.front()) &&
         AreKeyCharacters(system);
}

bool IsValue(std::string_view value) {
  return !value.empty() && value.size() <= kMaxValueBytes && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

std::string_view KeyOf(std::string_view member) { return member.substr(0, member.find('=')); }

// The members joined, without those that are too many bytes.
std::string Join(std::vector<std::string_view>& members) {
  size_t bytes = 0;
  for (const std::string_view member : members) bytes += member.size() + 1;
  const auto drop = [&](size_t index) {
    bytes -= members[index].size() + 1;
    members.erase(members.begin() + static_cast<std::ptrdiff_t>(index));
  };
  for (size_t i = members.size(); i-- > 0 && bytes > kMaxTraceStateBytes + 1;) {
    if (members[i].size() > kLongMemberBytes) drop(i);
  }
  while (bytes > kMaxTraceStateBytes + 1) drop(members.size() - 1);
  std::string joined;
  for (const std::string_view member : members) {
    if (!joined.empty()) joined += ',';
    joined += member;
  }
  return joined;
}

}  // namespace

Result<std::string> ParseTraceState(std::string_view header) {
  std::vector<std::string_view> members;
  while (!header.empty()) {
    const std::string_view member = Trim(TakeUntil(',', header));
    if (member.empty()) continue;
    const std::string_view key = KeyOf(member);
    if (key.size() == member.size() || !IsKey(key) || !IsValue(member.substr(key.size() + 1))) {
      return Error::kInvalidValue;
    }
    const bool is_known =
        std::any_of(members.begin(), members.end(), [&](std::string_view other) { return KeyOf(other) == key; });
    if (is_known || members.size() == kMaxTraceStateMembers) return Error::kInvalidValue;
    members.push_back(member);
  }
  return Join(members);
}

Result<std::string> WithMember(std::string_view state, std::string_view key, std::string_view value) {
  if (!IsKey(key) || (!value.empty() && !IsValue(value))) return Error::kInvalidValue;
  std::string first;
  std::vector<std::string_view> members;
  if (!value.empty()) {
    first += key;
    first += '=';
    first += value;
    members.emplace_back(first);
  }
  while (!state.empty()) {
    const std::string_view member = TakeUntil(',', state);
    if (KeyOf(member) != key && members.size() < kMaxTraceStateMembers) members.push_back(member);
  }
  return Join(members);
}

}  // namespace isotel::context
