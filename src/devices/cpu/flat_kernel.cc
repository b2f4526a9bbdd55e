// SPDX-License-Identifier: MIT
#include "devices/cpu/flat_kernel.h"

namespace mullion::cpu {

Status FlatKernel::Bind(BindContext& context) const {
  if (input_ == output_) context.AllowInPlace(0, 0);
  return OkStatus();
}

Status FlatKernel::Run(RunContext& context) const {
  const TensorView& input = context.Input(0);
  MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, input.shape));
  const auto* const x = static_cast<const std::byte*>(input.data);
  auto* const y = static_cast<std::byte*>(output.data);
  context.parallel().For(input.count(), chunk_, [&](int64_t begin, int64_t end, int /*worker*/) {
    Compute(x + ByteSize(input_, begin), y + ByteSize(output_, begin),
            static_cast<size_t>(end - begin));
  });
  return OkStatus();
}

}  // namespace mullion::cpu
