// SPDX-License-Identifier: MIT
// The small cases of smallest_cases.txt in all the types of specified_types.txt: what tests of
// types walk through.
#ifndef MULLION_TESTS_OPERATORS_SMALL_CASES_H_
#define MULLION_TESTS_OPERATORS_SMALL_CASES_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace mullion {

using Words = std::vector<std::string>;
// Which type each letter stands for.
using Assignment = std::map<std::string, std::string>;

// One version of an operator, from specified_types.txt.
struct OperatorVersion {
  std::string name;  // with its domain before a colon where that is not ai.onnx
  int opset = 0;
  Words inputs, outputs;               // letters or types
  std::map<std::string, Words> types;  // of each letter

  std::string InputLetter(size_t i) const;
  std::string OutputLetter(size_t i) const;
};

// A case of an operator, from smallest_cases.txt.
struct SmallCase {
  int since = 1;
  bool none = false;
  Words inputs, attributes;
  std::map<std::string, std::string> bases;
  std::map<std::string, std::string> tied;  // letters that are of the type of another
  Words refused;                            // types that make no sense here

  // Whether the content of the input is anything, not what the case says.
  bool Anything(size_t input) const;
};

// A version in its case, and the types to run that in: the usual ones, then one letter at a time of
// every type it may have, alone and with all letters that may follow it.
struct TypedCase {
  OperatorVersion version;
  SmallCase form;
  Assignment usual;
  std::vector<Assignment> assignments;
};

// All that have a case; `missing` gets the names of the others.
std::vector<TypedCase> ReadTypedCases(Words* missing);

bool Holds(const Words& words, std::string_view word);
ElementType Resolve(const Assignment& assignment, const std::string& name);
std::string Describe(const TypedCase& typed, const Assignment& assignment);

struct CaseInputs {
  // Numbers are brought into what these types can hold, whatever types they then have.
  Assignment range;
  // Called for each input before it is fed.
  std::function<void(size_t input, Tensor& tensor)> touch;
};

struct CaseResult {
  std::string trouble;          // empty when all went well
  std::vector<Tensor> outputs;  // of sequences their items
};

CaseResult RunCase(const TypedCase& typed, const Assignment& assignment,
                   const CaseInputs& inputs = {});

// The elements as double, text as the number it says, of complex numbers the real parts.
std::vector<double> Numbers(const Tensor& tensor);

}  // namespace mullion

#endif  // MULLION_TESTS_OPERATORS_SMALL_CASES_H_
