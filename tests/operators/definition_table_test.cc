// SPDX-License-Identifier: MIT
#include "operators/definition_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mullion {
namespace {

struct NumberedDefinition {
  std::string_view name;
  std::string_view domain = "";
  int number = 0;
};

std::vector<int> NumbersOf(const DefinitionTable<NumberedDefinition>& table,
                           std::string_view domain, std::string_view name) {
  std::vector<int> numbers;
  table.ForEach(domain, name, [&](const NumberedDefinition& definition) {
    numbers.push_back(definition.number);
  });
  return numbers;
}

TEST(DefinitionTable, FindsAllOfANameInTheirOrder) {
  DefinitionTable<NumberedDefinition> table;
  EXPECT_TRUE(NumbersOf(table, "", "Add").empty());
  table.Add({"Add", "", 1});
  table.Add({"Add", "other", 2});
  table.Add({"Sub", "", 3});
  table.Add({"Add", "ai.onnx", 4});
  EXPECT_EQ(NumbersOf(table, "", "Add"), (std::vector{1, 4}));
  EXPECT_EQ(NumbersOf(table, "ai.onnx", "Add"), (std::vector{1, 4}));
  EXPECT_EQ(NumbersOf(table, "other", "Add"), std::vector{2});
  EXPECT_TRUE(NumbersOf(table, "other", "Sub").empty());
  EXPECT_TRUE(NumbersOf(table, "otherS", "ub").empty());
}

TEST(DefinitionTable, TellsMoreNamesApartThanItHasBuckets) {
  std::vector<std::string> names(5000);
  DefinitionTable<NumberedDefinition> table;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = std::to_string(i);
    table.Add({names[i], "", static_cast<int>(i)});
  }
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(NumbersOf(table, "", names[i]), std::vector{static_cast<int>(i)});
  }
  int count = 0;
  table.ForEach(
      [&](const NumberedDefinition& definition) { EXPECT_EQ(definition.number, count++); });
  EXPECT_EQ(count, 5000);
}

}  // namespace
}  // namespace mullion
