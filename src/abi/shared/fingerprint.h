// A fingerprint hashes every code that a host shares with a module by number. The ABI version says that host and module
// were meant for each other; the fingerprint says that they were built from the same tables.
//
// Each ABI hashes the rows of its tables, of each row the first two cells and a newline. scripts/generate_abi.mjs
// hashes the same rows.
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel::abi {

/// FNV-1a, 32 bits.
constexpr uint32_t Fingerprint(std::string_view rows) {
  uint32_t hash = 2166136261U;
  for (const char c : rows) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  return hash;
}

}  // namespace isotel::abi
