#include "base/protobuf_writer.h"

#include <cstring>

namespace isotel {
namespace {

constexpr size_t kMaxTagBytes = 5;
constexpr size_t kMaxVarintBytes = 10;

}  // namespace

void ProtobufWriter::Uint(uint32_t field, uint64_t value) {
  char* const start = out_.Reserve(kMaxTagBytes + kMaxVarintBytes);
  char* const at = WriteVarint(start, TagOf(field, WireType::kVarint));
  out_.Advance(static_cast<size_t>(WriteVarint(at, value) - start));
}

void ProtobufWriter::Fixed32(uint32_t field, uint32_t value) {
  char* const start = out_.Reserve(kMaxTagBytes + sizeof value);
  char* const at = WriteVarint(start, TagOf(field, WireType::kFixed32));
  std::memcpy(at, &value, sizeof value);
  out_.Advance(static_cast<size_t>(at - start) + sizeof value);
}

void ProtobufWriter::Fixed64(uint32_t field, uint64_t value) {
  char* const start = out_.Reserve(kMaxTagBytes + sizeof value);
  char* const at = WriteVarint(start, TagOf(field, WireType::kFixed64));
  std::memcpy(at, &value, sizeof value);
  out_.Advance(static_cast<size_t>(at - start) + sizeof value);
}

void ProtobufWriter::Bytes(uint32_t field, std::string_view bytes) {
  char* const start = out_.Reserve(kMaxTagBytes + kMaxVarintBytes + bytes.size());
  char* const at = WriteVarint(WriteVarint(start, TagOf(field, WireType::kLength)), bytes.size());
  CopyBytes(at, bytes.data(), bytes.size());
  out_.Advance(static_cast<size_t>(at - start) + bytes.size());
}

ProtobufWriter::Mark ProtobufWriter::Begin(uint32_t field, uint32_t length_bytes) {
  char* const start = out_.Reserve(kMaxTagBytes + length_bytes);
  const char* const at = field == 0 ? start : WriteVarint(start, TagOf(field, WireType::kLength));
  out_.Advance(static_cast<size_t>(at - start) + length_bytes);
  return {out_.size(), length_bytes};
}

uint32_t ProtobufWriter::End(Mark mark) {
  const size_t size = out_.size() - mark.start;
  const auto needed = static_cast<uint32_t>(VarintBytes(size));
  const size_t moved = mark.start - mark.length_bytes + needed;
  if (needed != mark.length_bytes) {
    out_.Reserve(needed);
    std::memmove(out_.data() + moved, out_.data() + mark.start, size);
    out_.Truncate(moved + size);
  }
  WriteVarint(out_.data() + moved - needed, size);
  return needed;
}

}  // namespace isotel
