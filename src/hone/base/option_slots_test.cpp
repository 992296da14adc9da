#include "hone/base/option_slots.h"

#include <gtest/gtest.h>

namespace hone::base {
namespace {

struct Inner {
  double rate = 0.5;
  void visit(OptionVisitor& v) { v.field("rate", rate, {.help = "a share", .min = 0, .max = 1}); }
};

struct Outer : Options {
  int64_t steps = 3;
  std::string kind = "a";
  Inner inner;
  void visit(OptionVisitor& v) override {
    v.field("steps", steps, {.help = "how many", .min = 0, .max = 10});
    v.field("kind", kind, {.help = "which", .choices = {"a", "b"}});
    v.group("inner", inner);
  }
};

TEST(OptionSlots, ListMembersInOrderAndPointIntoTheStruct) {
  Outer options;
  const auto slots = slots_of(options);
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_EQ(slots[0].path, "steps");
  EXPECT_EQ(slots[2].path, "inner.rate");
  EXPECT_STREQ(slots[2].type_name(), "number");
  slots[0].assign(TomlScalar(int64_t{7}));
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(find_slot(slots, "inner.rat"), nullptr);
}

TEST(OptionSlots, PathsHaveAGroupAndALeaf) {
  EXPECT_EQ(group_of("a.b.c"), "a.b");
  EXPECT_EQ(group_of("a"), "");
  EXPECT_EQ(leaf_of("a.b.c"), "c");
  Outer options;
  const auto slots = slots_of(options);
  EXPECT_TRUE(is_group(slots, "inner"));
  EXPECT_FALSE(is_group(slots, "steps"));
  EXPECT_EQ(names_in(slots, ""), (std::vector<std::string>{"steps", "kind", "inner"}));
}

TEST(OptionSlots, CheckRangeTypeAndChoices) {
  Outer options;
  const auto slots = slots_of(options);
  TomlScalar good = int64_t{10}, large = int64_t{11}, text = std::string("x"), other = std::string("c");
  EXPECT_FALSE(check(slots[0], good));
  EXPECT_TRUE(check(slots[0], large));
  EXPECT_TRUE(check(slots[0], text));
  EXPECT_TRUE(check(slots[1], other));
  TomlScalar whole = int64_t{1};
  EXPECT_FALSE(check(slots[2], whole));
  EXPECT_TRUE(std::holds_alternative<double>(whole));  // 1 for 1.0
}

}  // namespace
}  // namespace hone::base
