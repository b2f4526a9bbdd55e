// SPDX-License-Identifier: MIT
// Tensors in all the ways that a TensorProto may hold them.
#include "onnx/tensor_reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "onnx/schema.h"
#include "onnx/sparse_tensor.h"
#include "tests/onnx/proto_builder.h"

namespace mullion {
namespace {

namespace field = onnx::field;
using proto::Message;

Result<Tensor> ReadOne(const Message& message) {
  onnx::ReadContext context({message.bytes, nullptr, nullptr});
  return onnx::ReadTensor(message.bytes, context);
}

Message Head(ElementType type, const std::vector<int64_t>& dims) {
  Message message;
  message.PackedInts(field::tensor::kDims, dims);
  return message.Int(field::tensor::kDataType, static_cast<int64_t>(type));
}

std::vector<int> BytesOf(const Tensor& tensor) {
  const auto* const data = static_cast<const uint8_t*>(tensor.data());
  return {data, data + tensor.bytes()};
}

struct IntCase {
  ElementType type;
  int64_t count;
  std::vector<int64_t> entries;
  std::vector<int> bytes;
};

TEST(TensorReader, Int32DataHoldsAllSmallTypes) {
  const IntCase cases[] = {
      {ElementType::kInt32, 1, {-2}, {254, 255, 255, 255}},
      {ElementType::kInt16, 2, {-2, 258}, {254, 255, 2, 1}},
      {ElementType::kUint16, 1, {65535}, {255, 255}},
      {ElementType::kInt8, 3, {-1, 0, 127}, {255, 0, 127}},
      {ElementType::kUint8, 2, {0, 255}, {0, 255}},
      {ElementType::kBool, 3, {0, 1, 7}, {0, 1, 1}},
      {ElementType::kFloat16, 1, {0x3c00}, {0x00, 0x3c}},
      {ElementType::kBfloat16, 1, {0x3f80}, {0x80, 0x3f}},
      {ElementType::kFloat8E4M3FN, 2, {0x38, 0xb8}, {0x38, 0xb8}},
      {ElementType::kFloat8E8M0, 1, {127}, {127}},
      {ElementType::kUint4, 3, {0x21, 0x03}, {0x21, 0x03}},
      {ElementType::kInt4, 2, {0xf7}, {0xf7}},
      {ElementType::kFloat4E2M1, 1, {5}, {5}},
      {ElementType::kUint2, 5, {0xe4, 0x01}, {0xe4, 0x01}},
      {ElementType::kInt2, 4, {0x1b}, {0x1b}},
  };
  for (const IntCase& c : cases) {
    SCOPED_TRACE(ElementTypeName(c.type));
    Message loose = Head(c.type, {c.count});
    for (const int64_t entry : c.entries) loose.Int(field::tensor::kInt32Data, entry);
    const Message packed = Head(c.type, {c.count}).PackedInts(field::tensor::kInt32Data, c.entries);
    for (const Message& message : {loose, packed}) {
      const auto tensor = ReadOne(message);
      ASSERT_TRUE(tensor.ok()) << tensor.status().message();
      EXPECT_EQ(tensor->type(), c.type);
      EXPECT_EQ(BytesOf(*tensor), c.bytes);
    }
  }
}

TEST(TensorReader, WideIntegersHaveTheirFields) {
  const auto big = ReadOne(
      Head(ElementType::kInt64, {2}).PackedInts(field::tensor::kInt64Data, {-1, int64_t{1} << 40}));
  ASSERT_TRUE(big.ok());
  EXPECT_EQ(big->span<int64_t>()[1], int64_t{1} << 40);
  const auto natural =
      ReadOne(Head(ElementType::kUint32, {1}).Int(field::tensor::kUint64Data, 0xffffffff));
  ASSERT_TRUE(natural.ok());
  EXPECT_EQ(natural->span<uint32_t>()[0], 0xffffffffu);
}

TEST(TensorReader, FloatsPackedAndLoose) {
  Message message = Head(ElementType::kFloat, {3});
  message.Float(field::tensor::kFloatData, 1.5f);
  message.Bytes(field::tensor::kFloatData, proto::Raw({2.5f, 3.5f}));
  const auto floats = ReadOne(message);
  ASSERT_TRUE(floats.ok()) << floats.status().message();
  EXPECT_EQ(floats->span<float>()[0], 1.5f);
  EXPECT_EQ(floats->span<float>()[2], 3.5f);
  const auto twins = ReadOne(
      Head(ElementType::kComplex64, {1}).Bytes(field::tensor::kFloatData, proto::Raw({1, 2})));
  ASSERT_TRUE(twins.ok()) << twins.status().message();
  EXPECT_EQ(twins->span<std::complex<float>>()[0], std::complex<float>(1, 2));
  const auto wide =
      ReadOne(Head(ElementType::kDouble, {}).Double(field::tensor::kDoubleData, 0.25));
  ASSERT_TRUE(wide.ok());
  EXPECT_EQ(wide->span<double>()[0], 0.25);
}

TEST(TensorReader, Strings) {
  const auto texts = ReadOne(Head(ElementType::kString, {2})
                                 .Bytes(field::tensor::kStringData, "")
                                 .Bytes(field::tensor::kStringData, "two"));
  ASSERT_TRUE(texts.ok()) << texts.status().message();
  EXPECT_EQ(texts->span<std::string>()[1], "two");
}

TEST(TensorReader, EmptyTensorsNeedNoData) {
  for (int type = 1; type < kElementTypeCount; ++type) {
    const auto tensor = ReadOne(Head(static_cast<ElementType>(type), {3, 0, 2}));
    ASSERT_TRUE(tensor.ok()) << type;
    EXPECT_EQ(tensor->count(), 0);
  }
}

TEST(TensorReader, RawBoolsAreZeroOrOne) {
  const auto tensor =
      ReadOne(Head(ElementType::kBool, {3}).Bytes(field::tensor::kRawData, "\x02\x01\xff"));
  ASSERT_TRUE(tensor.ok());
  EXPECT_EQ(BytesOf(*tensor), (std::vector<int>{1, 1, 1}));
}

struct BadTensor {
  Message message;
  const char* text;
};

TEST(TensorReader, RefusesBrokenTensors) {
  const BadTensor cases[] = {
      {Head(ElementType::kFloat, {2, 3}).Bytes(field::tensor::kRawData, "123456789012"),
       "it has 12 bytes of raw data but float[2,3] needs 24; the file is damaged, export it again"},
      {Head(ElementType::kFloat, {-1}),
       "it has the negative dimension -1; the file is damaged, export it again"},
      {Head(ElementType::kFloat, {int64_t{1} << 32, int64_t{1} << 32}),
       "its shape [4294967296,4294967296] has more elements than memory can hold; the file is "
       "damaged, export it again"},
      // 2^57 elements of 128 bits are 2^64 bits, which wrap to zero.
      {Head(ElementType::kComplex128, {int64_t{1} << 57}),
       "its shape [144115188075855872] has more elements than memory can hold; the file is "
       "damaged, export it again"},
      {Head(ElementType::kFloat, std::vector<int64_t>(17, 1)),
       "it has more than 16 dimensions; tensors of up to 16 are supported"},
      {Message().Int(field::tensor::kDataType, 99),
       "its element type is number 99, which this version does not know; types 1 to 26 are "
       "supported"},
      {Head(ElementType::kFloat, {1000000}).Float(field::tensor::kFloatData, 1),
       "it has 5 bytes of data, too few for float[1000000]; the file is damaged, export it again"},
      {Head(ElementType::kInt64, {2}).PackedInts(field::tensor::kInt64Data, {1, 2, 3}),
       "it has 3 data entries but int64[2] needs 2; the file is damaged, export it again"},
      {Head(ElementType::kFloat, {1}).Int(field::tensor::kInt32Data, 1),
       "its data are stored as another type than float; the file is damaged, export it again"},
      {Head(ElementType::kString, {1}).Bytes(field::tensor::kRawData, "x"),
       "its strings are stored as raw bytes, which ONNX does not allow; export the model again"},
      {Head(ElementType::kFloat, {1}).Add(field::tensor::kSegment, Message()),
       "it is stored in segments, which no exporter writes; export it whole"},
      {Head(ElementType::kFloat, {1}).Int(field::tensor::kDataLocation, 1),
       "its data are in another file, which is not allowed here"},
  };
  for (const BadTensor& c : cases) {
    const auto tensor = ReadOne(c.message);
    ASSERT_FALSE(tensor.ok()) << c.text;
    EXPECT_EQ(tensor.status().message(), c.text);
  }
}

Message Sparse(const Message& values, const Message& indices, const std::vector<int64_t>& dims) {
  return Message()
      .Add(field::sparse_tensor::kValues, values)
      .Add(field::sparse_tensor::kIndices, indices)
      .PackedInts(field::sparse_tensor::kDims, dims);
}

Result<Tensor> ReadSparse(const Message& message) {
  onnx::ReadContext context({message.bytes, nullptr, nullptr});
  auto sparse = onnx::ReadSparseTensor(message.bytes, context);
  if (!sparse.ok()) return sparse.status();
  return sparse->dense;
}

Message Indices(const std::vector<int64_t>& dims, const std::vector<int64_t>& values) {
  return Head(ElementType::kInt64, dims).PackedInts(field::tensor::kInt64Data, values);
}

TEST(SparseTensor, BecomesDense) {
  const Message values = proto::FloatTensor("w", {2}, {5, 7});
  for (const Message& indices : {Indices({2}, {1, 5}), Indices({2, 2}, {0, 1, 1, 2})}) {
    const auto dense = ReadSparse(Sparse(values, indices, {2, 3}));
    ASSERT_TRUE(dense.ok()) << dense.status().message();
    const auto numbers = dense->span<float>();
    EXPECT_EQ(std::vector<float>(numbers.begin(), numbers.end()),
              (std::vector<float>{0, 5, 0, 0, 0, 7}));
  }
}

TEST(SparseTensor, RefusesBrokenOnes) {
  const Message values = proto::FloatTensor("w", {2}, {5, 7});
  const BadTensor cases[] = {
      {Sparse(values, Indices({2}, {1, 6}), {2, 3}),
       "index 1 of the sparse tensor lies outside its shape [2,3]; the file is damaged, export it "
       "again"},
      {Sparse(values, Indices({2, 2}, {0, 1, 2, 0}), {2, 3}),
       "index 1 of the sparse tensor lies outside its shape [2,3]; the file is damaged, export it "
       "again"},
      {Sparse(values, Indices({3}, {1, 2, 3}), {2, 3}),
       "the sparse tensor has 2 values of rank 2 but indices int64[3]; the file is damaged, export "
       "it again"},
      {Sparse(values, Indices({2}, {1, 2}), {-2, 3}),
       "the sparse tensor has negative dimensions or more than 16; the file is damaged, export it "
       "again"},
      {Sparse(values, Indices({2}, {1, 2}), {int64_t{1} << 32, int64_t{1} << 32}),
       "the sparse tensor [4294967296,4294967296] has more elements than memory can hold; the file "
       "is damaged, export it again"},
      {Sparse(values, Indices({2}, {1, 2}), {int64_t{1} << 34}),
       "reading it would take more than 256 MiB of memory, which its size does not justify; the "
       "file is damaged or made to exhaust memory"},
  };
  for (const BadTensor& c : cases) {
    const auto dense = ReadSparse(c.message);
    ASSERT_FALSE(dense.ok()) << c.text;
    EXPECT_EQ(dense.status().message(), c.text);
  }
}

}  // namespace
}  // namespace mullion
