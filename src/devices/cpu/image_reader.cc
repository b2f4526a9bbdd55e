// SPDX-License-Identifier: MIT
#include "devices/cpu/image_reader.h"

#include <atomic>

namespace mullion::cpu {

namespace {

std::atomic<ImageReader> current_reader{nullptr};

}  // namespace

void SetImageReader(ImageReader reader) { current_reader.store(reader); }
ImageReader CurrentImageReader() { return current_reader.load(); }

}  // namespace mullion::cpu
