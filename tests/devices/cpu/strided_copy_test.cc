// SPDX-License-Identifier: MIT
#include "devices/cpu/strided_copy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {
namespace {

// Hands out the chunks in reverse order, so that a wrong split shows.
class BackwardParallel final : public Parallel {
 public:
  int threads() const override { return 1; }
  void For(int64_t count, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body) override {
    for (int64_t begin = (count - 1) / chunk * chunk; begin >= 0 && count > 0; begin -= chunk) {
      body(begin, std::min(begin + chunk, count), 0);
    }
  }
};

struct TestAxis {
  int64_t extent, from, to;
};

// Copies element by element, the axes nested as named.
void Reference(const std::vector<TestAxis>& axes, size_t depth, size_t size, const uint8_t* from,
               int64_t from_offset, uint8_t* to, int64_t to_offset) {
  if (depth == axes.size()) {
    std::memcpy(to + to_offset * static_cast<int64_t>(size),
                from + from_offset * static_cast<int64_t>(size), size);
    return;
  }
  for (int64_t i = 0; i < axes[depth].extent; ++i) {
    Reference(axes, depth + 1, size, from, from_offset + i * axes[depth].from, to,
              to_offset + i * axes[depth].to);
  }
}

void Check(ElementType type, const std::vector<TestAxis>& axes, int64_t from_offset = 0) {
  const size_t size = ByteSize(type, 1);
  int64_t from_count = from_offset + 1;
  int64_t to_count = 1;
  for (const TestAxis& axis : axes) {
    from_count += (axis.extent - 1) * std::max<int64_t>(axis.from, 0);
    to_count += (axis.extent - 1) * axis.to;
  }
  std::vector<uint8_t> from(static_cast<size_t>(from_count) * size);
  std::mt19937 random(7);
  for (uint8_t& byte : from) byte = static_cast<uint8_t>(random());
  std::vector<uint8_t> expected(static_cast<size_t>(to_count) * size, 0xcd);
  std::vector<uint8_t> actual = expected;
  Reference(axes, 0, size, from.data(), from_offset, expected.data(), 0);
  StridedCopy copy(type);
  for (const TestAxis& axis : axes) copy.AddAxis(axis.extent, axis.from, axis.to);
  BackwardParallel parallel;
  copy.Run(from.data(), from_offset, actual.data(), 0, parallel);
  EXPECT_EQ(actual == expected, true) << "element size " << size;
}

constexpr ElementType kBySize[] = {ElementType::kUint8, ElementType::kFloat16, ElementType::kFloat,
                                   ElementType::kDouble, ElementType::kComplex128};

TEST(StridedCopy, TransposesMatricesOfEveryElementSize) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const ElementType type : kBySize) {
      for (const int64_t rows : {1, 2, 3, 4, 5, 9, 15, 16, 17, 64, 129, 300}) {
        for (const int64_t columns : {1, 2, 3, 4, 7, 16, 33, 128, 257}) {
          Check(type, {{columns, 1, rows}, {rows, columns, 1}});
        }
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(StridedCopy, TransposesInsideLargerLayouts) {
  for (const ElementType type : kBySize) {
    Check(type, {{5, 600, 660}, {20, 1, 33}, {30, 20, 1}});  // batches, padded rows
    Check(type, {{30, 3, 5}, {3, 1, 160}, {2, 100, 1}});     // three streams into pairs
    Check(type, {{6, 2, 40}, {20, 12, 2}, {2, 1, 1}});       // pairs of elements move as one
    Check(type, {{7, 3, 63}, {21, 21, 3}, {3, 1, 1}});       // so do rows of three
    Check(type, {{4, 1, 100}, {5, 4, 20}, {20, 20, 1}});
  }
}

TEST(StridedCopy, CopiesStridedLines) {
  for (const ElementType type : kBySize) {
    Check(type, {{10, 40, 20}, {20, 2, 1}});                 // every second element
    Check(type, {{10, 20, 20}, {20, -1, 1}}, 19);            // reversed rows
    Check(type, {{10, 0, 20}, {20, 1, 1}});                  // rows repeated
    Check(type, {{10, 1, 20}, {20, 0, 1}});                  // elements repeated
    Check(type, {{100, 1, 3}});                              // scattered
    Check(type, {{50000, 3, 1}});                            // longer than a chunk
    Check(type, {{3, 300000, 300001}, {300000, 1, 1}});      // rows longer than a chunk
    Check(type, {{2, 700, 660}, {11, 60, 60}, {60, 1, 1}});  // windows
    for (const int64_t row : {5, 9, 15, 31, 33, 63, 65}) {
      Check(type, {{9, row + 1, row}, {row, 1, 1}});
    }
  }
}

TEST(StridedCopy, RepeatsElements) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const ElementType type : kBySize) {
      for (const int64_t count : {1, 31, 63, 64, 127, 128, 255, 256, 257, 1001, 70001}) {
        Check(type, {{count, 0, 1}}, 1);
        Check(type, {{3, 1, count + 5}, {count, 0, 1}});
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(StridedCopy, CopiesNothingForAnEmptyAxisAndOneElementForNoAxis) {
  BackwardParallel parallel;
  const float from = 3;
  float to = 1;
  StridedCopy none(ElementType::kFloat);
  none.AddAxis(0, 1, 1);
  none.AddAxis(4, 1, 1);
  none.Run(nullptr, 0, nullptr, 0, parallel);
  const StridedCopy one(ElementType::kFloat);
  one.Run(&from, 0, &to, 0, parallel);
  EXPECT_EQ(to, 3);
}

// Runs that begin and end anywhere within a byte, and nothing beside them changes.
TEST(StridedCopy, MovesRunsOfPackedElements) {
  for (const int bits : {4, 2}) {
    const int in_byte = 8 / bits;
    std::vector<uint8_t> from(64);
    for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<uint8_t>(i * 37 + 11);
    for (const int64_t count : {0, 1, 3, 16, 17, 33, 70, 100}) {
      for (int64_t first = 0; first < in_byte; ++first) {
        for (int64_t place = 0; place < 2 * in_byte; ++place) {
          // Of no more bytes than are read.
          const std::vector<uint8_t> exact(from.begin(),
                                           from.begin() + (first + count + in_byte - 1) / in_byte);
          std::vector<uint8_t> to(64, 0xa5);
          CopyPacked(exact.data(), first, to.data(), place, count, bits);
          for (int64_t i = 0; i < 64 * in_byte; ++i) {
            const bool within = i >= place && i < place + count;
            const uint8_t before = GetPacked(std::vector<uint8_t>(64, 0xa5).data(), i, bits);
            ASSERT_EQ(GetPacked(to.data(), i, bits),
                      within ? GetPacked(from.data(), first + i - place, bits) : before)
                << i << " of " << count << " from " << first << " to " << place;
          }
        }
      }
    }
  }
}

TEST(StridedCopy, MovesStringsAndPackedElements) {
  BackwardParallel parallel;
  const std::vector<std::string> from = {"a", "b", "c", "a long string that lives on the heap",
                                         "e", "f"};
  std::vector<std::string> to(6);
  StridedCopy strings(ElementType::kString);
  strings.AddAxis(3, 1, 2);
  strings.AddAxis(2, 3, 1);
  strings.Run(from.data(), 0, to.data(), 0, parallel);
  EXPECT_EQ(to, std::vector<std::string>({"a", from[3], "b", "e", "c", "f"}));

  const uint8_t packed[3] = {0x21, 0x43, 0x65};  // 1..6
  std::vector<uint8_t> transposed(3);
  StridedCopy nibbles(ElementType::kUint4);
  nibbles.AddAxis(3, 1, 2);
  nibbles.AddAxis(2, 3, 1);
  nibbles.Run(packed, 0, transposed.data(), 0, parallel);
  EXPECT_EQ(transposed[0], 0x41);
  EXPECT_EQ(transposed[1], 0x52);
  EXPECT_EQ(transposed[2], 0x63);
}

}  // namespace
}  // namespace mullion::cpu
