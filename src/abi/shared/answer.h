// The common part of the four ABIs: results of calls, the buffer for arguments and the output of encoders.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/wire.h"

namespace isotel::abi {

/// An error as the int32_t of a call: 0 for kOk, else negative.
inline int32_t Answer(Error error) { return static_cast<int32_t>(error); }
/// A value below 2^31, or a negative error.
inline int32_t Answer(const Result<uint32_t>& result) {
  return result.ok() ? static_cast<int32_t>(result.value()) : Answer(result.error());
}

/// The memory that a host writes arguments to, aligned to 8 bytes. `kSlackBytes` bytes after it can be read too.
template <size_t kSlackBytes = 0>
class Buffer {
 public:
  /// Returns room for `size` bytes, null past kMaxBufferBytes. Growing loses the content and may move the buffer.
  void* Reserve(uint32_t size) {
    if (size > kMaxBufferBytes) return nullptr;
    if (!Holds(size)) Grow(size);
    return bytes_.data();
  }

  [[nodiscard]] bool Holds(uint64_t length) const { return length + kSlackBytes <= bytes_.size(); }
  [[nodiscard]] char* data() { return bytes_.data(); }
  /// The first `length` bytes, which the buffer must hold.
  [[nodiscard]] std::string_view Text(size_t length) const { return {bytes_.data(), length}; }

  /// Replaces the content with an answer and returns its size in bytes. The answer must not lie in this buffer.
  int32_t Put(std::string_view text) {
    if (!Holds(text.size())) Grow(text.size());
    std::copy(text.begin(), text.end(), bytes_.begin());
    return static_cast<int32_t>(text.size());
  }

 private:
  // Rare, and called from many places: inlined it would cost a module more bytes than it saves.
  [[gnu::noinline]] void Grow(size_t size) {
    // Frees the old memory first, so that both need not fit at the same time.
    std::vector<char>().swap(bytes_);
    bytes_.resize(size + kSlackBytes);
  }

  // operator new aligns to at least 8.
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 8);
  std::vector<char> bytes_ = std::vector<char>(kSlackBytes);
};

/// The bytes that a call returns. The host finds them at data() until the next such call.
class Output {
 public:
  /// Write the bytes here, after Clear() or with a function that clears the writer.
  [[nodiscard]] ByteWriter& writer() { return writer_; }
  [[nodiscard]] ByteWriter& Clear() {
    writer_.Clear();
    return writer_;
  }
  [[nodiscard]] void* data() { return writer_.data() + start_; }

  /// Makes all written bytes the output. Returns their number, or the error.
  int32_t Written(Error error = Error::kOk) {
    start_ = 0;
    return error == Error::kOk ? static_cast<int32_t>(writer_.size()) : Answer(error);
  }
  /// Makes the `size` bytes from `start` on the output. Returns `size`.
  int32_t Written(size_t start, size_t size) {
    start_ = start;
    return static_cast<int32_t>(size);
  }

 private:
  ByteWriter writer_;
  size_t start_ = 0;
};

}  // namespace isotel::abi
