// SPDX-License-Identifier: MIT
#include "base/shared_pages.h"

#include <algorithm>
#include <bit>

#include "base/platform.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace mullion {

namespace {

constexpr size_t kPart = kSharedPage / 64;

// What a block has of a page that it may share: as many ones as it takes parts there, of which
// there may be none.
uint64_t PartsAtEnd(size_t bytes) {
  const size_t parts = (bytes % kSharedPage + kPart - 1) / kPart;
  return parts == 0 ? 0 : ~uint64_t{0} >> (64 - parts);
}

size_t WholePages(size_t bytes) { return bytes / kSharedPage * kSharedPage; }

// The lowest place for `parts` among those that are not used, or 64.
int PlaceFor(uint64_t parts, uint64_t used) {
  uint64_t free = ~used;
  for (; (parts & 2) != 0; parts >>= 1) free &= free >> 1;
  return free == 0 ? 64 : std::countr_zero(free);
}

}  // namespace

// Deliberately leaked: blocks may be given back while the process ends.
SharedPages& SharedPages::Global() {
  static auto* const pages = [] {
#if defined(__unix__) || defined(__APPLE__)
    const auto lock = [] { Global().mutex_.lock(); };
    const auto unlock = [] { Global().mutex_.unlock(); };
    pthread_atfork(lock, unlock, unlock);
#endif
    return new SharedPages();
  }();
  return *pages;
}

void* SharedPages::TakePart(uint64_t parts) {
  for (Page& page : pages_) {
    const int place = PlaceFor(parts, page.used);
    if (place == 64) continue;
    page.used |= parts << place;
    return page.memory + static_cast<size_t>(place) * kPart;
  }
  return nullptr;
}

void* SharedPages::Take(size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const size_t whole = WholePages(bytes);
  const uint64_t parts = PartsAtEnd(bytes);
  const std::lock_guard lock(mutex_);
  void* const part = whole == 0 ? TakePart(parts) : nullptr;
  if (part != nullptr) return part;
  auto* const memory = static_cast<char*>(AllocatePages(whole + (parts == 0 ? 0 : kSharedPage)));
  if (memory != nullptr && parts != 0) pages_.push_back({memory + whole, parts});
  return memory;
}

void SharedPages::GiveBack(void* block, size_t bytes) {
  const size_t whole = WholePages(bytes);
  const uint64_t parts = PartsAtEnd(bytes);
  char* const end = static_cast<char*>(block) + whole;
  if (whole > 0) FreePages(block, whole);
  if (parts == 0) return;
  const std::lock_guard lock(mutex_);
  const auto page = std::find_if(pages_.begin(), pages_.end(), [&](const Page& one) {
    return end >= one.memory && end < one.memory + kSharedPage;
  });
  page->used &= ~(parts << (static_cast<size_t>(end - page->memory) / kPart));
  if (page->used != 0) return;
  FreePages(page->memory, kSharedPage);
  pages_.erase(page);
}

}  // namespace mullion
