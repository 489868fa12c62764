// Random numbers for trace and span identifiers: xoshiro256++ (Blackman and Vigna, https://prng.di.unimi.it), seeded by
// the host. Not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace isotel::context {

class IdGenerator {
 public:
  using Seed = std::array<uint64_t, 4>;

  /// Returns false for a seed of zeros, which would produce only zeros.
  bool SetSeed(const Seed& seed);
  [[nodiscard]] bool has_seed() const { return has_seed_; }
  /// Returns 64 random bits, never all zero. Returns 0 without a seed.
  uint64_t Next();

 private:
  Seed state_{};
  bool has_seed_ = false;
};

}  // namespace isotel::context
