#include "context/id_generator.h"

#include <bit>

namespace isotel::context {

bool IdGenerator::SetSeed(const Seed& seed) {
  has_seed_ = (seed[0] | seed[1] | seed[2] | seed[3]) != 0;
  state_ = seed;
  return has_seed_;
}

uint64_t IdGenerator::Next() {
  uint64_t result = 0;
  // Zero occurs once in 2^64. An unseeded generator would never leave this loop.
  while (result == 0 && has_seed_) {
    result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
  }
  return result;
}

}  // namespace isotel::context
