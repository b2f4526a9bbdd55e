// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/platform.h"
#include "base/processors.h"
#include "base/str_cat.h"

namespace mullion {

namespace {

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdu;
}

uint64_t IdentityOf(const struct stat& info) {
  uint64_t hash = Mix(1, static_cast<uint64_t>(info.st_dev));
  hash = Mix(hash, static_cast<uint64_t>(info.st_ino));
  hash = Mix(hash, static_cast<uint64_t>(info.st_size));
  hash = Mix(hash, static_cast<uint64_t>(info.st_mtime));
#ifdef __linux__
  hash = Mix(hash, static_cast<uint64_t>(info.st_mtim.tv_nsec));
#endif
  return hash == 0 ? 1 : hash;
}

class PosixMappedFile final : public MappedFile {
 public:
  PosixMappedFile(const void* data, size_t size, uint64_t identity, std::string path)
      : path_(std::move(path)) {
    data_ = static_cast<const uint8_t*>(data);
    size_ = size;
    identity_ = identity;
  }
  ~PosixMappedFile() override {
    if (size_ > 0) munmap(const_cast<uint8_t*>(data_), size_);
  }
  void Release(size_t offset, size_t length) const override {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t first = (offset + page - 1) / page * page;
    const size_t last = std::min(offset + length, size_) / page * page;
    if (first < last) madvise(const_cast<uint8_t*>(data_) + first, last - first, MADV_DONTNEED);
  }
  void Prefetch([[maybe_unused]] size_t offset, [[maybe_unused]] size_t length) const override {
#ifdef MADV_POPULATE_READ
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t first = offset / page * page;
    const size_t last = std::min(offset + length, size_);
    if (first < last) {
      madvise(const_cast<uint8_t*>(data_) + first, last - first, MADV_POPULATE_READ);
    }
#endif
  }
  // Opened each time, so that no descriptor is kept. What is another file by now is read from the
  // mapping, which still is the old one.
  void Read(size_t offset, size_t length, void* memory) const override {
    auto* to = static_cast<uint8_t*>(memory);
    const int descriptor = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    const bool same =
        descriptor >= 0 && fstat(descriptor, &info) == 0 && IdentityOf(info) == identity_;
    while (same && length > 0) {
      const ssize_t count = pread(descriptor, to, length, static_cast<off_t>(offset));
      if (count <= 0) break;
      to += count;
      offset += static_cast<size_t>(count);
      length -= static_cast<size_t>(count);
    }
    if (descriptor >= 0) close(descriptor);
    if (length == 0) return;
    std::memcpy(to, data_ + offset, length);
    Release(offset, length);
  }

 private:
  const std::string path_;
};

Result<std::shared_ptr<const MappedFile>> MapDescriptor(int descriptor,
                                                        const std::filesystem::path& path) {
  struct stat info {};
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    return NotFound("cannot open '", path.string(), "': it is not a regular file");
  }
  const auto size = static_cast<size_t>(info.st_size);
  const void* data = nullptr;
  if (size > 0) {
    void* const mapping = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping == MAP_FAILED) {
      return OutOfMemory("cannot map '", path.string(), "': ", std::strerror(errno));
    }
    data = mapping;
  }
  std::error_code error;  // leaves it empty: the file is then read from the mapping
  return std::shared_ptr<const MappedFile>(std::make_shared<PosixMappedFile>(
      data, size, IdentityOf(info), std::filesystem::absolute(path, error).string()));
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MapFile(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return NotFound("cannot open '", path.string(), "': ", std::strerror(errno));
  }
  auto result = MapDescriptor(descriptor, path);
  close(descriptor);
  return result;
}

Result<std::shared_ptr<const MappedFile>> MapFileBeneath(const std::filesystem::path& folder,
                                                         const std::string& relative) {
  namespace fs = std::filesystem;
  const fs::path path(relative);
  const bool climbs =
      std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (relative.empty() || path.is_absolute() || climbs ||
      relative.find('\0') != std::string::npos) {
    return InvalidModel("the file name '", relative,
                        "' leaves the model's folder; only files beneath it are read");
  }
  std::error_code error;
  const fs::path root = fs::weakly_canonical(folder.empty() ? fs::path(".") : folder, error);
  const fs::path target = fs::weakly_canonical(root / path, error);
  const auto mismatch = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
  if (error || mismatch.first != root.end()) {
    return InvalidModel("the file '", relative,
                        "' is a link that leaves the model's folder; only files beneath it "
                        "are read");
  }
  return MapFile(target);
}

namespace {

void* MapAnonymous(size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

#ifdef MADV_HUGEPAGE
constexpr size_t kHugePage = size_t{2} << 20;

// Begins at a huge page and asks for them: a hundred MiB of weights then take fifty faults instead
// of 25,000, and as many fewer entries of the translation cache. Who writes a page first has it
// cleared: several threads, often.
void* MapHugePages(size_t bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  bytes = (bytes + page - 1) / page * page;
  auto* const memory = static_cast<char*>(MapAnonymous(bytes + kHugePage));
  if (memory == nullptr) return nullptr;
  const size_t past = reinterpret_cast<uintptr_t>(memory) % kHugePage;
  const size_t before = past == 0 ? 0 : kHugePage - past;
  if (before > 0) munmap(memory, before);
  if (before < kHugePage) munmap(memory + before + bytes, kHugePage - before);
  madvise(memory + before, bytes, MADV_HUGEPAGE);  // only advice: small pages will do
  return memory + before;
}
#endif

}  // namespace

void* AllocatePages(size_t bytes) {
#ifdef MADV_HUGEPAGE
  if (bytes <= SIZE_MAX - 2 * kHugePage && bytes >= kHugePage) return MapHugePages(bytes);
#endif
  return MapAnonymous(bytes);
}

void FreePages(void* memory, size_t bytes) { munmap(memory, bytes); }

void ReturnPages(void* memory, size_t bytes) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (begin + page - 1) / page * page;
  const uintptr_t last = (begin + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

void ReturnFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

namespace {

// A small file of the system as text; empty when there is none.
std::string TextOf(const char* path) {
  char text[128];
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {};
  const ssize_t length = read(descriptor, text, sizeof(text));
  close(descriptor);
  return std::string(text, static_cast<size_t>(std::max<ssize_t>(length, 0)));
}

// The cgroup's quota in processors, or 0 when there is none.
double CgroupProcessors() {
  std::string text = TextOf("/sys/fs/cgroup/cpu.max");  // "QUOTA PERIOD"
  if (text.empty()) {
    text = TextOf("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") +
           TextOf("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  }
  char* rest = nullptr;
  const double quota = std::strtod(text.c_str(), &rest);  // 0 of "max"
  const double period = std::strtod(rest, nullptr);
  return quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

int AvailableProcessors() {
  int processors = 0;
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) processors = CPU_COUNT(&set);
#endif
  if (processors == 0) processors = static_cast<int>(std::thread::hardware_concurrency());
  const double quota = CgroupProcessors();
  if (quota > 0) processors = std::min(processors, static_cast<int>(std::ceil(quota)));
  return std::max(processors, 1);
}

#if defined(__linux__) && !defined(__ANDROID__)

int CurrentProcessor() { return sched_getcpu(); }

void ThreadPlacement::KeepOff(std::thread& thread, int processor) {
  cpu_set_t set;
  static_assert(sizeof(set) == sizeof(allowed_));
  if (restricted_ || processor < 0 || processor >= CPU_SETSIZE ||
      pthread_getaffinity_np(thread.native_handle(), sizeof(set), &set) != 0) {
    return;
  }
  std::memcpy(allowed_.data(), &set, sizeof(set));
  CPU_CLR(static_cast<size_t>(processor), &set);
  restricted_ =
      CPU_COUNT(&set) > 0 && pthread_setaffinity_np(thread.native_handle(), sizeof(set), &set) == 0;
}

void ThreadPlacement::Restore() {
  if (!restricted_) return;
  cpu_set_t set;
  std::memcpy(&set, allowed_.data(), sizeof(set));
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
  restricted_ = false;
}

#else

int CurrentProcessor() { return -1; }
void ThreadPlacement::KeepOff(std::thread&, int) {}
void ThreadPlacement::Restore() {}

#endif

}  // namespace mullion
