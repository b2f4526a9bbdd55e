// SPDX-License-Identifier: MIT
#include "optimizer/pipeline.h"

#include "optimizer/fold_batch_normalization.h"
#include "optimizer/fold_constants.h"
#include "optimizer/fold_crop.h"
#include "optimizer/fold_into_table.h"
#include "optimizer/fold_pixel_slices.h"
#include "optimizer/fold_shuffle.h"
#include "optimizer/fold_sizes.h"
#include "optimizer/fold_spread_pixel.h"
#include "optimizer/fuse_attention.h"
#include "optimizer/fuse_dynamic_quantized.h"
#include "optimizer/fuse_elementwise.h"
#include "optimizer/fuse_epilogue.h"
#include "optimizer/fuse_gelu.h"
#include "optimizer/fuse_layer_normalization.h"
#include "optimizer/fuse_max_pool.h"
#include "optimizer/fuse_quantized.h"
#include "optimizer/gather_one_hot.h"
#include "optimizer/infer_graph.h"
#include "optimizer/join_attention.h"
#include "optimizer/join_convolutions.h"
#include "optimizer/join_equal_nodes.h"
#include "optimizer/join_in_place.h"
#include "optimizer/join_splits.h"
#include "optimizer/layout.h"
#include "optimizer/pool_first.h"
#include "optimizer/read_planes.h"
#include "optimizer/remove_dead_code.h"
#include "optimizer/scan_first_axis.h"
#include "optimizer/simplify.h"
#include "optimizer/stand_in_types.h"
#include "optimizer/trim_pooled.h"
#include "optimizer/turn_transposed.h"
#include "optimizer/widen_halves.h"

namespace mullion::optimizer {

namespace {

// Each infers the graph once more; a third round has not been seen to find anything.
constexpr int kSizeRounds = 2;

// What makes a graph smaller, repeated while it helps; the second round is for what the first one
// uncovered, and more than that has not been seen to pay.
void Reduce(Graph& graph, const PipelineOptions& options,
            Dequantizing dequantizing = Dequantizing::kFold) {
  for (int round = 0; round < 2; ++round) {
    bool changed = Simplify(graph);
    if (options.evaluator != nullptr) {
      changed |= FoldConstants(graph, *options.operators, *options.evaluator, dequantizing);
    }
    changed |= RemoveDeadCode(graph);
    if (!changed) return;
  }
}

}  // namespace

Status Optimize(Graph& graph, const PipelineOptions& options) {
  MULLION_RETURN_IF_ERROR(InferGraph(graph, *options.operators));
  if (options.rewrite) {
    // What becomes known of one Reshape may tell what the next one does.
    for (int round = 0; round < kSizeRounds && FoldSizes(graph); ++round) {
      MULLION_RETURN_IF_ERROR(InferGraph(graph, *options.operators));
    }
    ScanFirstAxis(graph);
    Reduce(graph, options, Dequantizing::kKeep);
    if (options.capabilities != nullptr && options.evaluator != nullptr) {
      FuseQuantized(graph, *options.operators, *options.capabilities, *options.evaluator);
      // Before floats are made of weights that nobody reads any more.
      RemoveDeadCode(graph);
    }
    Reduce(graph, options);
  }
  if (options.capabilities != nullptr) {
    StandInTypes(graph, *options.capabilities);
    const HalfRange range = options.rewrite ? HalfRange::kWherePossible : HalfRange::kWhereNeeded;
    if (WidenHalves(graph, *options.capabilities, range) && options.rewrite) Reduce(graph, options);
  }
  if (!options.rewrite) return OkStatus();
  JoinEqualNodes(graph, *options.operators);
  if (JoinSplits(graph)) RemoveDeadCode(graph);
  FoldBatchNormalization(graph);
  if (FuseScaledProducts(graph)) RemoveDeadCode(graph);
  FuseGelu(graph);
  bool tabled = GatherOneHot(graph);
  if (options.evaluator != nullptr) tabled |= FoldIntoTable(graph);
  if (tabled) Reduce(graph, options);
  FuseAttention(graph);
  if (JoinAttention(graph)) RemoveDeadCode(graph);
  FuseLayerNormalization(graph);
  FoldPixelSlices(graph);
  if (FoldSpreadPixel(graph)) RemoveDeadCode(graph);
  FoldCrop(graph);
  TurnTransposed(graph);
  PoolFirst(graph);
  FuseEpilogue(graph);
  TrimPooled(graph);
  JoinConvolutions(graph);
  if (FuseDynamicQuantization(graph)) RemoveDeadCode(graph);
  FuseElementwise(graph);
  if (PlaceChannelsLast(graph, *options.operators)) Reduce(graph, options);
  CropResiduals(graph);
  FoldShuffle(graph, options.capabilities);
  JoinInPlace(graph);
  ReadPlanes(graph);
  FuseMaxPool(graph);
  return OkStatus();
}

}  // namespace mullion::optimizer
