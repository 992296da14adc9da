#include "hone/objectives/options.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace hone::objectives {
namespace {

// Collects the text options with their choices.
struct Choices : base::OptionVisitor {
  std::map<std::string, std::vector<std::string>> all;
  void field(std::string_view, bool&, const base::FieldInfo&) override {}
  void field(std::string_view, int64_t&, const base::FieldInfo&) override {}
  void field(std::string_view, double& value, const base::FieldInfo& info) override {
    EXPECT_TRUE(value >= info.min && value <= info.max) << info.help;
  }
  void field(std::string_view name, std::string& value, const base::FieldInfo& info) override {
    EXPECT_NE(std::find(info.choices.begin(), info.choices.end(), value), info.choices.end()) << name;
    all[std::string(name)] = info.choices;
  }
  void enter(std::string_view) override {}
  void leave() override {}
};

TEST(Options, EveryChoiceThatIsOfferedIsUnderstood) {
  Choices seen;
  PolicyOptions policy;
  KlOptions kl;
  policy.visit(seen);
  kl.visit(seen);
  PreferenceOptions pairs;
  pairs.visit(seen);
  for (const std::string& name : seen.all.at("normalisation")) EXPECT_NO_THROW(normalisation_of(name));
  for (const std::string& name : seen.all.at("scale")) EXPECT_NO_THROW(scale_of(name));
  for (const std::string& name : seen.all.at("gradient")) EXPECT_NO_THROW(kl_gradient_of(name));
  for (const std::string& name : seen.all.at("target")) EXPECT_NO_THROW(pair_target_of(name));
  EXPECT_EQ(pair_target_of("soft"), PairTarget::soft);
  EXPECT_EQ(scale_of("none"), Scale::none);
  EXPECT_EQ(normalisation_of("dr_grpo"), Normalisation::dr_grpo);
  EXPECT_EQ(kl_gradient_of("forward_k3"), KlGradient::forward_k3);
}

TEST(Options, AnUnknownChoiceNamesTheAllowedOnes) {
  try {
    normalisation_of("gpro");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_STREQ(e.what(), "unknown normalisation \"gpro\"");
    EXPECT_EQ(e.remedy(), "use one of: grpo, dapo, dr_grpo");
  }
}

}  // namespace
}  // namespace hone::objectives
