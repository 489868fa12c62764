#include "context/trace_state.h"

#include "base/characters.h"

namespace isotel::context {
namespace {

constexpr size_t kMaxKeyBytes = 256;
constexpr size_t kMaxTenantBytes = 241;
constexpr size_t kMaxSystemBytes = 14;
constexpr size_t kMaxValueBytes = 256;
constexpr size_t kLongMemberBytes = 128;

bool IsKeyCharacter(char c) { return IsLower(c) || IsDigit(c) || c == '_' || c == '-' || c == '*' || c == '/'; }

bool IsKeyPart(std::string_view text, size_t max_bytes, bool may_start_with_digit) {
  return !text.empty() && text.size() <= max_bytes &&
         (IsLower(text.front()) || (may_start_with_digit && IsDigit(text.front()))) && AreAll(text, IsKeyCharacter);
}

bool IsKey(std::string_view key) {
  std::string_view system = key;
  const std::string_view tenant = TakeUntil('@', system);
  if (tenant.size() == key.size()) return IsKeyPart(key, kMaxKeyBytes, false);
  return IsKeyPart(tenant, kMaxTenantBytes, true) && IsKeyPart(system, kMaxSystemBytes, false);
}

bool IsValue(std::string_view value) {
  return !value.empty() && value.size() <= kMaxValueBytes && value.back() != ' ' &&
         AreAll(value, [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

std::string_view KeyOf(std::string_view member) { return TakeUntil('=', member); }

class Members {
 public:
  [[nodiscard]] bool IsFull() const { return count_ == kMaxTraceStateMembers; }
  [[nodiscard]] bool Has(std::string_view key) const {
    for (size_t i = 0; i < count_; ++i) {
      if (SameBytes(KeyOf(members_[i]), key)) return true;
    }
    return false;
  }
  void Add(std::string_view member) { members_[count_++] = member; }

  // Writes the members, without those that do not fit into kMaxTraceStateBytes.
  void Write(ByteWriter& out) {
    size_t bytes = 0;
    for (size_t i = 0; i < count_; ++i) bytes += members_[i].size() + 1;
    for (size_t i = count_; i-- > 0 && bytes > kMaxTraceStateBytes + 1;) {
      if (members_[i].size() > kLongMemberBytes) bytes -= Drop(i);
    }
    for (size_t i = count_; i-- > 0 && bytes > kMaxTraceStateBytes + 1;) bytes -= Drop(i);
    const char* separator = "";
    for (size_t i = 0; i < count_; ++i) {
      if (members_[i].empty()) continue;
      out.Raw(separator);
      separator = ",";
      out.Raw(members_[i]);
    }
  }

 private:
  size_t Drop(size_t index) {
    const size_t bytes = members_[index].empty() ? 0 : members_[index].size() + 1;
    members_[index] = {};
    return bytes;
  }

  std::string_view members_[kMaxTraceStateMembers];
  size_t count_ = 0;
};

}  // namespace

Error ParseTraceState(std::string_view header, ByteWriter& out) {
  Members members;
  while (!header.empty()) {
    const std::string_view member = Trim(TakeUntil(',', header));
    if (member.empty()) continue;
    std::string_view value = member;
    const std::string_view key = TakeUntil('=', value);
    if (!IsKey(key) || !IsValue(value) || members.IsFull() || members.Has(key)) return Error::kInvalidValue;
    members.Add(member);
  }
  members.Write(out);
  return Error::kOk;
}

}  // namespace isotel::context
