// Random numbers for trace and span identifiers: xoshiro256++ (Blackman and Vigna, https://prng.di.unimi.it), from a
// seed of the host's entropy. Not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace isotel::context {

class IdGenerator {
 public:
  using Seed = std::array<uint64_t, 4>;

  /// False for a seed of zeros, which has no sequence.
  bool SetSeed(const Seed& seed);
  [[nodiscard]] bool has_seed() const { return has_seed_; }
  /// 64 bits, never all zero.
  uint64_t Next();

 private:
  Seed state_{};
  bool has_seed_ = false;
};

}  // namespace isotel::context
