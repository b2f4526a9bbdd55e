// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/simd/isa.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/str_cat.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <unistd.h>
#endif

namespace mullion::cpu {

namespace {

#if defined(__x86_64__)
struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers Cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

// Which register files the operating system saves: XCR0.
uint64_t EnabledState() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

bool Bit(uint32_t word, int bit) { return ((word >> bit) & 1) != 0; }

std::vector<Isa> FindIsas() {
  std::vector<Isa> isas{Isa::kScalar};
  const Registers leaf1 = Cpuid(1, 0);
  // SSE4.1, SSE4.2, SSSE3, and what Highway's SSE4 target also uses: PCLMUL and AES.
  const bool sse4 = Bit(leaf1.ecx, 19) && Bit(leaf1.ecx, 20) && Bit(leaf1.ecx, 9) &&
                    Bit(leaf1.ecx, 1) && Bit(leaf1.ecx, 25);
  if (!sse4) return isas;
  isas.push_back(Isa::kSse4);
  const bool os_saves = Bit(leaf1.ecx, 27);
  if (!os_saves) return isas;
  const uint64_t state = EnabledState();
  const Registers leaf7 = Cpuid(7, 0);
  // AVX, FMA, F16C, AVX2, BMI1, BMI2 with the upper halves of the registers saved.
  const bool avx2 = (state & 6) == 6 && Bit(leaf1.ecx, 28) && Bit(leaf1.ecx, 12) &&
                    Bit(leaf1.ecx, 29) && Bit(leaf7.ebx, 5) && Bit(leaf7.ebx, 3) &&
                    Bit(leaf7.ebx, 8);
  if (!avx2) return isas;
  isas.push_back(Isa::kAvx2);
  // F, BW, CD, DQ, VL with mask and 512-bit registers saved.
  const bool avx512 = (state & 0xe6) == 0xe6 && Bit(leaf7.ebx, 16) && Bit(leaf7.ebx, 30) &&
                      Bit(leaf7.ebx, 28) && Bit(leaf7.ebx, 17) && Bit(leaf7.ebx, 31);
  if (!avx512) return isas;
  isas.push_back(Isa::kAvx512);
  if (!Bit(leaf7.ecx, 11)) return isas;
  isas.push_back(Isa::kAvx512Vnni);
  if (Bit(leaf7.edx, 23)) isas.push_back(Isa::kAvx512Fp16);
  return isas;
}
#elif defined(__aarch64__)
std::vector<Isa> FindIsas() { return {Isa::kScalar, Isa::kNeon}; }
#else
std::vector<Isa> FindIsas() { return {Isa::kScalar}; }
#endif

const Isa kAllIsas[] = {Isa::kScalar, Isa::kNeon,       Isa::kSse4,      Isa::kAvx2,
                        Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Fp16};

// The level that MULLION_CPU names, if it is available.
const Isa* ForcedIsa(std::string_view name) {
  for (const Isa& isa : AvailableIsas()) {
    if (IsaName(isa) == name) return &isa;
  }
  return nullptr;
}

Isa InitialIsa() {
  const char* const name = std::getenv("MULLION_CPU");
  const Isa* const forced = name != nullptr ? ForcedIsa(name) : nullptr;
  return forced != nullptr ? *forced : AvailableIsas().back();
}

std::atomic<Isa>& Current() {
  static std::atomic<Isa> isa{InitialIsa()};
  return isa;
}

}  // namespace

std::string_view IsaName(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kNeon:
      return "neon";
    case Isa::kSse4:
      return "sse4";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Vnni:
      return "avx512vnni";
    case Isa::kAvx512Fp16:
      return "avx512fp16";
  }
  return "unknown";
}

const std::vector<Isa>& AvailableIsas() {
  static const std::vector<Isa> isas = [] {
    std::vector<Isa> found = FindIsas();
#if defined(MULLION_ONE_TARGET)
    // Not compiled (see simd.h): these would be levels below them by another name.
    for (const Isa isa : {Isa::kSse4, Isa::kAvx512, Isa::kAvx512Fp16}) std::erase(found, isa);
#endif
    return found;
  }();
  return isas;
}

Isa CurrentIsa() { return Current().load(std::memory_order_relaxed); }

bool HasVbmi() {
#if defined(__x86_64__)
  static const bool found = Bit(Cpuid(7, 0).ecx, 1);
  return found && CurrentIsa() >= Isa::kAvx512Vnni;
#else
  return false;
#endif
}

Status CheckForcedIsa() {
  const char* const name = std::getenv("MULLION_CPU");
  if (name == nullptr || ForcedIsa(name) != nullptr) return OkStatus();
  std::string available;
  for (const Isa isa : AvailableIsas()) {
    available += StrCat(available.empty() ? "" : ", ", IsaName(isa));
  }
  const bool known = std::any_of(std::begin(kAllIsas), std::end(kAllIsas),
                                 [&](Isa isa) { return IsaName(isa) == name; });
  return InvalidArgument("the environment variable MULLION_CPU is '", name, "', which ",
                         known ? "this processor does not have" : "is not a level",
                         "; available here: ", available);
}

void SetIsaForTest(Isa isa) { Current().store(isa, std::memory_order_relaxed); }

const CacheSizes& Caches() {
  static const CacheSizes sizes = [] {
    CacheSizes found;
#if defined(__linux__) && defined(_SC_LEVEL1_DCACHE_SIZE)
    const long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE);
    const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (l1 > 0) found.l1 = static_cast<size_t>(l1);
    if (l2 > 0) found.l2 = static_cast<size_t>(l2);
#endif
    return found;
  }();
  return sizes;
}

}  // namespace mullion::cpu
