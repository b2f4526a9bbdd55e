// SPDX-License-Identifier: MIT
// From ONNX's operator changelogs, all versions together, with what its early experimental
// operators add: the bias of ImageScaler, the scale of Crop.
#include "operators/attribute_kinds.h"

#include <string_view>
#include <variant>

#include "base/str_cat.h"

namespace mullion::operators {

namespace {

struct KindNames {
  std::string_view kind;
  std::string_view names;  // each between spaces
};

constexpr KindNames kKindNames[] = {
    {"float",
     " alpha beta bias clip cubic_coeff_a decay_factor default_float epsilon "
     "extrapolation_value gamma height_scale high lambd low max mean min momentum "
     "norm_coefficient norm_coefficient_post p ratio replaced_value_float scale seed softcap "
     "spatial_scale threshold value value_float width_scale "},
    {"int",
     " aggregate_function align_corners allowzero antialias axis batch_axis batch_dims "
     "block_size blocksize broadcast ceil_mode center_point_box chunk_size count_include_pad "
     "default_int64 detect_negative detect_positive dtype end exclude_outside exclusive fmod "
     "group hidden_size ignore_index input_forget interleaved inverse is_case_sensitive "
     "is_causal is_test k keepdims kv_num_heads largest layout left_window_size "
     "linear_before_reset max_gram_length max_map max_skip_count maxsplit min_gram_length "
     "multi_class n_supports n_targets new_axis noop_with_empty_axes num_groups num_heads "
     "num_outputs num_scan_inputs offset_group one_class onesided output_datatype "
     "output_dtype output_height output_sequence output_width p periodic post_transform "
     "precision q_num_heads qk_matmul_output_mode replaced_value_int64 reverse "
     "right_window_size rotary_embedding_dim sample_size sampling_ratio saturate seed "
     "select_last_index size softmax_precision sorted spatial start stash_type storage_order "
     "targets time_axis to training_mode transA transB upper value_int zeros "},
    {"string",
     " activation aggregate_function approximate auto_pad case_change_action cast_to "
     "coordinate_transformation_mode default_string delimiter direction equation "
     "keep_aspect_ratio_policy kernel_type locale map_form mode nearest_mode norm "
     "padding_mode pattern pixel_format post_transform reduction round_mode to update_rule "
     "value_string y "},
    {"tensor",
     " base_values_as_tensor class_weights_as_tensor default_tensor keys_tensor leaf_weights "
     "membership_values nodes_hitrates nodes_hitrates_as_tensor nodes_modes nodes_splits "
     "nodes_values_as_tensor sparse_value target_weights_as_tensor value values_tensor "},
    {"graph", " body else_branch prob_mod score_mod then_branch "},
    {"floats",
     " activation_alpha activation_beta base_values bias class_weights coefficients "
     "imputed_value_floats intercepts kernel_params keys_floats nodes_hitrates nodes_values "
     "offset prob_a prob_b rho scale scales support_vectors target_weights value_floats "
     "values_floats weights "},
    {"ints",
     " axes cats_int64s class_ids class_nodeids class_treeids classlabels_int64s "
     "classlabels_ints consumed_inputs dilations directions ends imputed_value_int64s "
     "inputdimensions int64_vocabulary kernel_shape keys_int64s leaf_targetids ngram_counts "
     "ngram_indexes nodes_falseleafs nodes_falsenodeids nodes_featureids "
     "nodes_missing_value_tracks_true nodes_nodeids nodes_treeids nodes_trueleafs "
     "nodes_truenodeids output_padding output_shape paddings pads perm pool_int64s "
     "pooled_shape scan_input_axes scan_input_directions scan_output_axes "
     "scan_output_directions scale shape split starts strides target_ids target_nodeids "
     "target_treeids tree_roots value_ints values_int64s vectors_per_class "},
    {"strings",
     " activations cats_strings classes_strings classlabels_strings keys_strings nodes_modes "
     "pool_strings stopwords string_vocabulary value_strings values_strings xs zs "},
    {"type", " type "},
};

bool Has(std::string_view names, std::string_view name) {
  size_t at = names.find(name);
  for (; at != std::string_view::npos; at = names.find(name, at + 1)) {
    // There is a space before the first name and behind the last.
    if (names[at - 1] == ' ' && names[at + name.size()] == ' ') return true;
  }
  return false;
}

bool IsEmptyList(const AttributeValue& value) {
  const auto empty = [&](const auto* list) { return list != nullptr && list->empty(); };
  return empty(std::get_if<std::vector<float>>(&value)) ||
         empty(std::get_if<std::vector<int64_t>>(&value)) ||
         empty(std::get_if<std::vector<std::string>>(&value));
}

}  // namespace

std::string OtherAttributeKind(const Attribute& attribute) {
  const std::string_view kind = AttributeKindName(attribute.value);
  const std::string_view name = attribute.name;
  if (name.empty() || name.find(' ') != std::string_view::npos) return "";
  std::string taken;
  for (const KindNames& entry : kKindNames) {
    if (!Has(entry.names, name)) continue;
    if (entry.kind == kind || (entry.kind.back() == 's' && IsEmptyList(attribute.value))) return "";
    taken += taken.empty() ? std::string(entry.kind) : StrCat(" or ", entry.kind);
  }
  return taken;
}

}  // namespace mullion::operators
