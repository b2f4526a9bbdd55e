// SPDX-License-Identifier: MIT
#include "onnx/tensor_file.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/onnx/proto_builder.h"
#include "tests/onnx/temporary_folder.h"

namespace mullion {
namespace {

namespace field = onnx::field;
using proto::FloatTensor;
using proto::Message;

Result<TensorFileValue> Parse(const Message& message, ValueKind kind) {
  return ParseTensorFile(
      {reinterpret_cast<const uint8_t*>(message.bytes.data()), message.bytes.size()}, kind);
}

TEST(TensorFile, WrittenTensorsReadBack) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "t.pb";
  const std::vector<std::string> texts{"a", "", "ccc"};
  const Tensor tensors[] = {
      Tensor::Vector<float>(std::vector<float>{1, 2, 3}), Tensor::Scalar<int64_t>(-5),
      Tensor::FromSpan<std::string>(Shape{3, 1}, std::span<const std::string>(texts)),
      Tensor::Vector<uint8_t>(std::vector<uint8_t>())};
  for (const Tensor& tensor : tensors) {
    ASSERT_TRUE(WriteTensorFile(path, tensor.view(), "name").ok());
    const auto value = ReadTensorFile(path, ValueKind::kTensor);
    ASSERT_TRUE(value.ok()) << value.status().message();
    EXPECT_EQ(value->name, "name");
    EXPECT_EQ(value->tensor.type(), tensor.type());
    EXPECT_EQ(value->tensor.shape(), tensor.shape());
    EXPECT_EQ(*EncodeTensorFile(value->tensor.view(), "name"),
              *EncodeTensorFile(tensor.view(), "name"));
  }
}

TEST(TensorFile, Sequences) {
  const Message inner = Message()
                            .Int(field::sequence::kElemType, 1)
                            .Add(field::sequence::kTensors, FloatTensor("b", {1}, {2}));
  const auto flat = Parse(Message()
                              .Bytes(field::sequence::kName, "s")
                              .Int(field::sequence::kElemType, 1)
                              .Add(field::sequence::kTensors, FloatTensor("a", {1}, {1}))
                              .Add(field::sequence::kTensors, FloatTensor("", {2}, {1, 2})),
                          ValueKind::kSequence);
  ASSERT_TRUE(flat.ok()) << flat.status().message();
  EXPECT_EQ(flat->name, "s");
  ASSERT_EQ(flat->items.size(), 2u);
  EXPECT_EQ(flat->items[1].tensor.span<float>()[1], 2.0f);
  const auto nested =
      Parse(Message().Int(field::sequence::kElemType, 3).Add(field::sequence::kSequences, inner),
            ValueKind::kSequence);
  ASSERT_TRUE(nested.ok());
  EXPECT_EQ(nested->items[0].kind, ValueKind::kSequence);
  EXPECT_EQ(nested->items[0].items[0].name, "b");
  const auto empty = Parse(Message(), ValueKind::kSequence);
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->items.empty());
}

Message Values(const std::vector<float>& values) {
  Message sequence = Message().Int(field::sequence::kElemType, 1);
  for (const float value : values) {
    sequence.Add(field::sequence::kTensors, FloatTensor("", {}, {value}));
  }
  return sequence;
}

TEST(TensorFile, Maps) {
  const auto numbered = Parse(Message()
                                  .Int(field::map::kKeyType, 7)
                                  .PackedInts(field::map::kKeys, {5, -6})
                                  .Add(field::map::kValues, Values({1, 2})),
                              ValueKind::kMap);
  ASSERT_TRUE(numbered.ok()) << numbered.status().message();
  EXPECT_EQ(numbered->int_keys, (std::vector<int64_t>{5, -6}));
  EXPECT_EQ(numbered->items[1].tensor.span<float>()[0], 2.0f);
  const auto named = Parse(Message()
                               .Int(field::map::kKeyType, 8)
                               .Bytes(field::map::kStringKeys, "one")
                               .Add(field::map::kValues, Values({1})),
                           ValueKind::kMap);
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->string_keys, std::vector<std::string>{"one"});
  const auto lopsided =
      Parse(Message().Int(field::map::kKeys, 5).Add(field::map::kValues, Values({1, 2})),
            ValueKind::kMap);
  EXPECT_EQ(lopsided.status().message(),
            "a map has 1 integer and 0 string keys for 2 values; the file is damaged");
}

TEST(TensorFile, Optionals) {
  const auto full = Parse(Message()
                              .Int(field::optional::kElemType, 1)
                              .Add(field::optional::kTensor, FloatTensor("a", {1}, {3})),
                          ValueKind::kOptional);
  ASSERT_TRUE(full.ok());
  ASSERT_EQ(full->items.size(), 1u);
  EXPECT_EQ(full->items[0].tensor.span<float>()[0], 3.0f);
  const auto empty = Parse(Message().Int(field::optional::kElemType, 0), ValueKind::kOptional);
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->items.empty());
}

TEST(TensorFile, NestingIsBounded) {
  Message value = Values({1});
  for (int i = 0; i < 40; ++i) value = Message().Add(field::sequence::kSequences, value);
  EXPECT_EQ(Parse(value, ValueKind::kSequence).status().message(),
            "values are nested more than 16 deep; the file is damaged");
}

TEST(TensorFile, ErrorsNameTheFile) {
  const TemporaryFolder folder;
  const auto path = folder.Write("t.pb", proto::RawTensor("t", 1, {2}, "123").bytes);
  EXPECT_EQ(
      ReadTensorFile(path, ValueKind::kTensor).status().message(),
      "tensor file '" + path.string() +
          "': it has 3 bytes of raw data but float[2] needs 8; the file is damaged, export it "
          "again");
  EXPECT_EQ(ReadTensorFile(folder.path() / "none.pb", ValueKind::kTensor).status().code(),
            StatusCode::kNotFound);
}

TEST(TensorFile, DamageNeverCrashes) {
  const Message inner = Message().Int(field::map::kKeys, 5).Add(field::map::kValues, Values({1}));
  const Message rich = Message()
                           .Int(field::sequence::kElemType, 4)
                           .Add(field::sequence::kMaps, inner)
                           .Add(field::sequence::kTensors, FloatTensor("a", {1}, {1}))
                           .Add(field::sequence::kSequences, Values({1, 2}));
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    Message broken = rich;
    for (size_t i = 0; i < 1 + random() % 4; ++i) {
      broken.bytes[random() % broken.bytes.size()] = static_cast<char>(random());
    }
    broken.bytes.resize(random() % 4 == 0 ? random() % broken.bytes.size() : broken.bytes.size());
    broken.bytes.shrink_to_fit();
    for (const auto kind :
         {ValueKind::kTensor, ValueKind::kSequence, ValueKind::kMap, ValueKind::kOptional}) {
      const auto value = Parse(broken, kind);
      EXPECT_TRUE(value.ok() || !value.status().message().empty());
    }
  }
}

}  // namespace
}  // namespace mullion
