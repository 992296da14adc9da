#include "hone/models/decoder_config.h"

#include "hone/base/error.h"
#include "hone/models/hf_config.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string_view>

namespace hone::models {
namespace {

DecoderConfig read(const Json& json) { return config_from_json(json, "config.json"); }

void expect_error(ErrorKind kind, const std::function<void()>& work, std::initializer_list<std::string_view> parts) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_STREQ(name_of(error.kind()), name_of(kind)) << error.what();
    for (const auto part : parts)
      EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
          << "\"" << part << "\" is not in: " << error.what();
    return;
  }
  std::string wanted;
  for (const auto part : parts) wanted += std::string(part) + " ";
  ADD_FAILURE() << "no error; wanted " << wanted;
}

TEST(ModelOptions, BecomeAConfig) {
  ModelOptions o{.family = "gpt2", .width = 128, .layers = 3, .heads = 4, .kv_heads = 0, .mlp = 0, .context = 64};
  EXPECT_EQ(config_of(o, 60), (DecoderConfig{.family = Family::gpt2,
                                             .vocab = 60,
                                             .context = 64,
                                             .width = 128,
                                             .layers = 3,
                                             .heads = 4,
                                             .kv_heads = 4,
                                             .head_dim = 32,
                                             .mlp = 512}));
  o.family = "llama";
  o.kv_heads = 2;
  // 8/3 · 128 = 341.3…, up to the next multiple of 16: 352
  EXPECT_EQ(config_of(o, 60), (DecoderConfig{.family = Family::llama,
                                             .vocab = 60,
                                             .context = 64,
                                             .width = 128,
                                             .layers = 3,
                                             .heads = 4,
                                             .kv_heads = 2,
                                             .head_dim = 32,
                                             .mlp = 352}));
  EXPECT_EQ(config_of({.family = "llama", .width = 96, .heads = 2}, 5).mlp, 256);  // 8/3 · 96, a multiple already
  EXPECT_EQ(config_of({.family = "gpt2", .mlp = 100}, 5).mlp, 100);
  const auto made = config_of({.family = "llama", .kv_heads = 2, .context = 1 << 20}, 60);
  EXPECT_EQ(read(to_json(made)), made);
}

TEST(ModelOptions, RefusesSizesThatDoNotDivide) {
  const auto refused = [](const ModelOptions& o, std::initializer_list<std::string_view> parts) {
    expect_error(
        ErrorKind::usage, [&] { config_of(o, 10); }, parts);
  };
  refused({.family = "gpt2", .width = 128, .heads = 3}, {"model.heads", "3", "128"});
  refused({.family = "llama", .width = 128, .heads = 4, .kv_heads = 3}, {"model.kv_heads", "3", "4"});
  refused({.family = "llama", .width = 128, .heads = 4, .kv_heads = 8}, {"model.kv_heads", "8", "4"});
  refused({.family = "llama", .width = 12, .heads = 4}, {"model.width", "3", "even"});
  EXPECT_NO_THROW(config_of({.family = "gpt2", .width = 12, .heads = 4}, 10));
  // What could not be read back is not made.
  refused({.family = "gpt2", .mlp = int64_t{1} << 60}, {"model.mlp"});
}

}  // namespace
}  // namespace hone::models
