// SPDX-License-Identifier: MIT
// Everything that differs between operating systems, behind plain functions.
#ifndef MULLION_BASE_PLATFORM_H_
#define MULLION_BASE_PLATFORM_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/status.h"

namespace mullion {

// A file mapped for reading. Thread-safe once open.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  // What makes this content this content: device, inode, size and modification time. Zero when the
  // system cannot tell.
  uint64_t identity() const { return identity_; }
  // The pages of [offset, offset + length) are not needed for now: memory use falls, contents stay.
  virtual void Release(size_t offset, size_t length) const = 0;
  // A part of the file will be read now: brings its pages in at once, which costs less than the
  // fault of each.
  virtual void Prefetch(size_t offset, size_t length) const = 0;
  // Copies a part to `memory`, without pages of the mapping where the system can do so.
  virtual void Read(size_t offset, size_t length, void* memory) const = 0;

 protected:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  uint64_t identity_ = 0;
};

// Maps a regular file. Errors name the path and the system's reason.
Result<std::shared_ptr<const MappedFile>> MapFile(const std::filesystem::path& path);

// Maps `relative` beneath `folder` only: refuses absolute paths, "..", and symbolic links that lead
// out of the folder.
Result<std::shared_ptr<const MappedFile>> MapFileBeneath(const std::filesystem::path& folder,
                                                         const std::string& relative);

// Pages straight from the system and back to it; null when there is no memory.
void* AllocatePages(size_t bytes);
void FreePages(void* memory, size_t bytes);
// The contents of the whole pages of a part of such memory are lost, and take no memory any more.
void ReturnPages(void* memory, size_t bytes);

// Gives the system back what was freed but is still held by the allocator, where that can be asked.
// Takes milliseconds: for when something large ends.
void ReturnFreedMemory();

// Processors this process may use: the affinity mask cut by the cgroup's quota; at least 1.
int AvailableProcessors();

}  // namespace mullion

#endif  // MULLION_BASE_PLATFORM_H_
