// A value or an Error. Read the value only when ok().
#pragma once

#include <utility>

#include "base/error.h"

namespace isotel {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error) : error_(error) {}         // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return error_ == Error::kOk; }
  [[nodiscard]] Error error() const { return error_; }
  [[nodiscard]] const T& value() const { return value_; }
  [[nodiscard]] T& value() { return value_; }

 private:
  T value_{};
  Error error_ = Error::kOk;
};

}  // namespace isotel
