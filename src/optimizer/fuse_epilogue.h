// SPDX-License-Identifier: MIT
// Bias, residual and activation behind a convolution or matrix product go into its epilogue.
#ifndef MULLION_OPTIMIZER_FUSE_EPILOGUE_H_
#define MULLION_OPTIMIZER_FUSE_EPILOGUE_H_

#include "graph/graph.h"

namespace mullion::optimizer {

// Makes the forms that operators/epilogue.h describes. Float only.
bool FuseEpilogue(Graph& graph);

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_FUSE_EPILOGUE_H_
