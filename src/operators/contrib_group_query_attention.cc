// SPDX-License-Identifier: MIT
// com.microsoft's GroupQueryAttention as RotaryEmbedding, TensorScatter and Attention of ai.onnx.
#include <limits>

#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum Input {
  kQuery,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kLengths,  // int32 [batch]: keys of each row with the new ones, less 1
  kTotal,    // int32: keys of the longest row with the new ones
  kCosines,
  kSines,
  kPositions,
  kScoreBias,
  kSinks,  // [heads]: what else a row of scores is normalized with
};

class GroupQueryAttention {
 public:
  explicit GroupQueryAttention(Node& node) : node_(node), expansion_(node) {}

  Status Write() {
    heads_ = node_.IntAttribute("num_heads", 0);
    key_heads_ = node_.IntAttribute("kv_num_heads", 0);
    MULLION_RETURN_IF_ERROR(Check());
    query_ = node_.input(kQuery);
    key_ = node_.input(kKey);
    value_ = node_.input(kValue);
    if (key_ == nullptr) Unpack();
    tokens_ = &Dim(*query_, 1);
    SetPast();
    if (node_.IntAttribute("do_rotary", 0) != 0) {
      MULLION_RETURN_IF_ERROR(Rotate(*query_, heads_, query_));
      MULLION_RETURN_IF_ERROR(Rotate(*key_, key_heads_, key_));
    }
    Value* keys = &Cached(kPastKey, SplitHeads(*key_, key_heads_), 1);
    Value* values = &Cached(kPastValue, SplitHeads(*value_, key_heads_), 2);
    Value& query = SplitHeads(*query_, heads_);
    Value* mask = &Mask(keys, values);
    if (node_.IntAttribute("smooth_softmax", 0) > 0 || node_.input(kSinks) != nullptr) {
      AddSink(keys, values, mask);
    }
    Node& attention = expansion_.AddNode("Attention", {&query, keys, values, mask}, 1);
    attention.set_opset(kAttentionOpset);
    if (const float scale = node_.FloatAttribute("scale", 0); scale != 0) {
      attention.SetAttribute("scale", scale);
    }
    if (const float cap = node_.FloatAttribute("softcap", 0); cap != 0) {
      attention.SetAttribute("softcap", cap);
    }
    Value& turned = Turned(*attention.output(0));
    expansion_.Become("Reshape", {&turned, &expansion_.Ints({0, 0, -1})});
    return OkStatus();
  }

 private:
  static constexpr int kAttentionOpset = 24;

  Status Check() const {
    if (heads_ < 1 || key_heads_ < 1 || heads_ % key_heads_ != 0) {
      return node_.Error(StatusCode::kInvalidModel,
                         StrCat("attributes 'num_heads' and 'kv_num_heads' are ", heads_, " and ",
                                key_heads_, "; the second must divide the first"));
    }
    const bool quantized = node_.StringAttribute("k_quant_type", "NONE") != "NONE" ||
                           node_.StringAttribute("v_quant_type", "NONE") != "NONE";
    if (quantized || node_.output(3) != nullptr || node_.input_count() > kSinks + 1) {
      return node_.Error(StatusCode::kUnsupported,
                         "quantized caches and an output of scores are not supported; export the "
                         "model without them");
    }
    return OkStatus();
  }

  // Query, key and value in one tensor.
  void Unpack() {
    Value& heads = expansion_.Int(heads_ + 2 * key_heads_);
    Value& size = expansion_.Add("Div", {&Dim(*query_, 2), &heads});
    Value& sizes =
        expansion_.Add("Mul", {&expansion_.Ints({heads_, key_heads_, key_heads_}), &size});
    Node& split = expansion_.AddNode("Split", {query_, &sizes}, 3);
    split.SetAttribute("axis", int64_t{-1});
    query_ = split.output(0);
    key_ = split.output(1);
    value_ = split.output(2);
  }

  // How many keys each row has in its cache: none when all tokens are new.
  void SetPast() {
    Value& ends = expansion_.Add("Add", {&Int64(*node_.input(kLengths)), &expansion_.Int(1)});
    Value& flat = expansion_.Add("Reshape", {&ends, &expansion_.Ints({-1})});
    Value& begins = expansion_.Add("Sub", {&flat, tokens_});
    past_ = &expansion_.Add("Max", {&begins, &expansion_.Int(0)});
    total_ = &expansion_.Add("Reshape", {&Int64(*node_.input(kTotal)), &expansion_.Ints({})});
  }

  Status Rotate(Value& x, int64_t heads, Value*& rotated) {
    Value* const cosines = node_.input(kCosines);
    if (cosines == nullptr || node_.input(kSines) == nullptr || !cosines->type.has_shape ||
        cosines->type.shape.rank() != 2 || cosines->type.shape[1] < 0) {
      return node_.Error(StatusCode::kUnsupported,
                         "rotary embedding needs tables of known size in inputs 7 and 8");
    }
    Value* positions = node_.input(kPositions);
    if (positions == nullptr) {
      Value& starts = expansion_.Add("Unsqueeze", {past_, &expansion_.Ints({1})});
      positions = &expansion_.Add("Add", {&starts, &Count(*tokens_)});
    }
    Node& rotary =
        expansion_.AddNode("RotaryEmbedding", {&x, cosines, node_.input(kSines), positions}, 1);
    rotary.set_opset(23);
    rotary.SetAttribute("num_heads", heads);
    rotary.SetAttribute("rotary_embedding_dim", 2 * cosines->type.shape[1]);
    rotary.SetAttribute("interleaved", node_.IntAttribute("rotary_interleaved", 0));
    rotated = rotary.output(0);
    return OkStatus();
  }

  // The cache with the new keys or values behind the old ones of each row; it is output i.
  Value& Cached(Input past, Value& now, int output) {
    Value* all = &now;
    if (Value* const before = node_.input(past); before != nullptr) {
      // A cache longer than the longest row stays as long as it is.
      Value& growth = expansion_.Add(
          "Max", {&expansion_.Add("Sub", {total_, &Dim(*before, 2)}), &expansion_.Int(0)});
      Node& pads =
          expansion_.AddNode("Concat",
                             {&expansion_.Ints({0, 0}),
                              &expansion_.Add("Unsqueeze", {&growth, &expansion_.Ints({0})})},
                             1);
      pads.SetAttribute("axis", int64_t{0});
      Value& longer = expansion_.Add(
          "Pad", {before, &Ends(*pads.output(0)), nullptr, &expansion_.Ints({0, 1, 2})});
      Node& scatter = expansion_.AddNode("TensorScatter", {&longer, &now, past_}, 1);
      scatter.set_opset(kAttentionOpset);
      scatter.SetAttribute("axis", int64_t{2});
      all = scatter.output(0);
    }
    if (Value* const present = node_.output(output); present != nullptr) {
      node_.SetOutput(output, nullptr);
      Node& identity = expansion_.AddNode("Identity", {all}, 0);
      identity.SetOutput(0, present);
    }
    return *all;
  }

  // Nothing in front, and behind each of three axes what `ends` says.
  Value& Ends(Value& ends) {
    Node& pads = expansion_.AddNode("Concat", {&expansion_.Ints({0, 0, 0}), &ends}, 1);
    pads.SetAttribute("axis", int64_t{0});
    return *pads.output(0);
  }

  // Query s of a row stands at position past + s; it sees no key behind it, and with a window only
  // so many in front. Shortens the keys to those that the given bias covers.
  Value& Mask(Value*& keys, Value*& values) {
    Value* const bias = node_.input(kScoreBias);
    if (bias != nullptr) {
      for (Value** const part : {&keys, &values}) {
        Value& end = expansion_.Add("Unsqueeze", {&Dim(*bias, 3), &expansion_.Ints({0})});
        *part =
            &expansion_.Add("Slice", {*part, &expansion_.Ints({0}), &end, &expansion_.Ints({2})});
      }
    }
    Value& starts = expansion_.Add("Unsqueeze", {past_, &expansion_.Ints({1, 2, 3})});
    Value& column = expansion_.Add("Unsqueeze", {&Count(*tokens_), &expansion_.Ints({1})});
    Value& at = expansion_.Add("Add", {&starts, &column});
    Value& positions = Count(Dim(*keys, 2));
    Value* allowed = &expansion_.Add("LessOrEqual", {&positions, &at});
    if (const int64_t window = node_.IntAttribute("local_window_size", -1); window > 0) {
      Value& first = expansion_.Add("Sub", {&at, &expansion_.Int(window)});
      Value& near = expansion_.Add("Greater", {&positions, &first});
      allowed = &expansion_.Add("And", {allowed, &near});
    }
    if (bias == nullptr) return *allowed;
    return expansion_.Add("Where", {allowed, bias, &Lowest()});
  }

  Value& Lowest() {
    Value& lowest = expansion_.Float(-std::numeric_limits<float>::infinity());
    return expansion_.Add("CastLike", {&lowest, node_.input(kQuery)});
  }

  // One more key, of which the score is 0 or the head's sink, with a value of zeros.
  void AddSink(Value*& keys, Value*& values, Value*& mask) {
    Value* sink = node_.input(kSinks);
    if (sink == nullptr) {
      sink = &expansion_.Add("CastLike", {&expansion_.Float(0), node_.input(kQuery)});
    } else {
      sink = &expansion_.Add("Reshape", {sink, &expansion_.Ints({1, -1, 1, 1})});
    }
    if (node_.input(kScoreBias) == nullptr) {
      Value& zero = expansion_.Add("CastLike", {&expansion_.Float(0), node_.input(kQuery)});
      mask = &expansion_.Add("Where", {mask, &zero, &Lowest()});
    }
    // The mask and the sink for every row of the batch, head and query.
    Node& size = expansion_.AddNode(
        "Concat",
        {&Size(*query_, 0), &expansion_.Ints({heads_}), &Size(*query_, 1), &expansion_.Ints({1})},
        1);
    size.SetAttribute("axis", int64_t{0});
    Value& wide = expansion_.Add("Expand", {mask, size.output(0)});
    Value& column = expansion_.Add("Expand", {sink, size.output(0)});
    Node& joined = expansion_.AddNode("Concat", {&wide, &column}, 1);
    joined.SetAttribute("axis", int64_t{3});
    mask = joined.output(0);
    for (Value** const part : {&keys, &values}) {
      *part =
          &expansion_.Add("Pad", {*part, &expansion_.Ints({0, 1}), nullptr, &expansion_.Ints({2})});
    }
  }

  Value& SplitHeads(Value& x, int64_t heads) {
    return Turned(expansion_.Add("Reshape", {&x, &expansion_.Ints({0, 0, heads, -1})}));
  }
  Value& Turned(Value& x) {
    Node& transpose = expansion_.AddNode("Transpose", {&x}, 1);
    transpose.SetAttribute("perm", std::vector<int64_t>{0, 2, 1, 3});
    return *transpose.output(0);
  }
  Value& Int64(Value& x) {
    Value& cast = expansion_.Add("Cast", {&x});
    cast.producer()->SetAttribute("to", static_cast<int64_t>(ElementType::kInt64));
    return cast;
  }
  Value& Count(Value& end) {
    return expansion_.Add("Range", {&expansion_.Int(0), &end, &expansion_.Int(1)});
  }
  Value& Dim(Value& x, int64_t axis) {
    return expansion_.Add("Gather", {&expansion_.Add("Shape", {&x}), &expansion_.Int(axis)});
  }
  Value& Size(Value& x, int64_t axis) {
    return expansion_.Add("Unsqueeze", {&Dim(x, axis), &expansion_.Ints({0})});
  }

  Node& node_;
  Expansion expansion_;
  int64_t heads_ = 0;
  int64_t key_heads_ = 0;
  Value* query_ = nullptr;
  Value* key_ = nullptr;
  Value* value_ = nullptr;
  Value* tokens_ = nullptr;  // int64: new tokens of each row
  Value* past_ = nullptr;    // int64 [batch]
  Value* total_ = nullptr;   // int64
};

Status UpgradeGroupQueryAttention(Node& node) { return GroupQueryAttention(node).Write(); }

}  // namespace

void RegisterContribGroupQueryAttention(OperatorRegistry& registry) {
  registry.Add({.name = "GroupQueryAttention",
                .domain = "com.microsoft",
                .inputs = {7, 14},
                .outputs = {1, 4},
                .upgrade = UpgradeGroupQueryAttention});
}

}  // namespace mullion::operators
