// SPDX-License-Identifier: MIT
#include "operators/byte_table.h"

#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kChunk = 64 * 1024;

class ByteTable final : public Executable {
 public:
  explicit ByteTable(Tensor table) : table_(std::move(table)) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    const auto* const table = static_cast<const uint8_t*>(table_.data());
    const auto* const x = static_cast<const uint8_t*>(input.data);
    auto* const y = static_cast<uint8_t*>(output.data);
    context.parallel().For(input.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      LookUpBytes(table, x + begin, y + begin, end - begin);
    });
    return OkStatus();
  }

 private:
  Tensor table_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(Tensor table, operators::ByteTableOf(node));
  return std::unique_ptr<Executable>(std::make_unique<ByteTable>(std::move(table)));
}

}  // namespace

void RegisterByteTable(KernelRegistry& registry) {
  registry.Add({.name = operators::kByteTable, .domain = operators::kInternalDomain, .make = Make});
}

}  // namespace mullion::cpu
