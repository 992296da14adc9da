// Saved models for the tests of this folder to spoil, and what they hold.
#pragma once

#include "hone/checkpoint/model_dir.h"
#include "hone/checkpoint/test_files.h"
#include "hone/models/model.h"
#include "hone/models/test_models.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hone::models {

namespace fs = std::filesystem;
using checkpoint::expect_error;
using checkpoint::TempFolder;

inline const std::vector<std::vector<int64_t>> kRows = {{3, 1, 4, 1, 5, 9, 2}, {6, 5, 3, 5, 8, 18, 0}};

// `count` tokens, specials included.
inline text::Tokenizer tokenizer_of(std::size_t count) {
  std::vector<std::string> words;
  for (std::size_t i = text::standard_specials().size(); i < count; ++i) words.push_back("w" + std::to_string(i));
  return text::Tokenizer::symbols(text::standard_specials(), words);
}

// A stored tensor, for files that differ from what hone writes.
struct Stored {
  std::vector<int64_t> shape;
  std::vector<float> numbers;
};
using Weights = std::map<std::string, Stored>;

inline Weights read_weights(const fs::path& dir) {
  const checkpoint::ModelDir from(dir);
  Weights all;
  for (const auto* tensor : from.tensors()) {
    Stored& stored = all[tensor->name];
    stored = {tensor->shape, std::vector<float>(static_cast<std::size_t>(tensor->elements()))};
    from.read_floats(tensor->name, stored.shape, stored.numbers);
  }
  return all;
}

inline void change_weights(const fs::path& dir, const std::function<void(Weights&)>& change) {
  Weights all = read_weights(dir);
  change(all);
  std::vector<checkpoint::TensorData> tensors;
  for (const auto& [name, stored] : all)
    tensors.push_back({name, checkpoint::Dtype::f32, stored.shape, stored.numbers.data()});
  fs::remove(dir / "model.safetensors");
  checkpoint::write_safetensors(dir / "model.safetensors", tensors);
}

inline void change_config(const fs::path& dir, const std::function<void(Json&)>& change) {
  Json config = Json::parse(checkpoint::read_bytes(dir / "config.json"));
  change(config);
  checkpoint::write_bytes(dir / "config.json", config.dump());
}

// A folder with a saved model that a test may spoil.
struct SavedModel {
  explicit SavedModel(const Variant& v = kVariants[0]) : decoder(small_model(v)) {
    save(dir, decoder, tokenizer_of(19));
  }
  TempFolder parent;
  fs::path dir = parent / "model";
  Decoder decoder;
};

// Every file of a folder by name, with its bytes.
inline std::map<std::string, std::string> contents(const fs::path& dir) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(dir))
    all[entry.path().lexically_relative(dir).string()] =
        entry.is_directory() ? "a folder" : checkpoint::read_bytes(entry.path());
  return all;
}

inline void expect_same_model(const Decoder& a, const Decoder& b) {
  EXPECT_EQ(a.config, b.config);
  EXPECT_TRUE(at::equal(a.flat, b.flat));
  EXPECT_TRUE(at::equal(logits(a, batch_of(kRows)), logits(b, batch_of(kRows))));
}

}  // namespace hone::models
