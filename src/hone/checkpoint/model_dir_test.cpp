#include "hone/checkpoint/model_dir.h"

#include "hone/checkpoint/test_files.h"

#include <sys/stat.h>

namespace hone::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr float kValues[6] = {0, 1, 2, 3, 4, 5};
constexpr const char* kIndex = "model.safetensors.index.json";

TensorData tensor(std::string name, std::vector<int64_t> shape) {
  return {std::move(name), Dtype::f32, shape, kValues};
}

// A folder with two shards, "a" and "b" in the first and "c" in the second, and the given index.
void write_sharded(const TempFolder& folder, std::string_view index) {
  write_bytes(folder / "config.json", R"({"model_type":"gpt2"})");
  write_safetensors(folder / "m-1.safetensors", {tensor("a", {2, 3}), tensor("b", {2})});
  write_safetensors(folder / "m-2.safetensors", {tensor("c", {3})});
  write_bytes(folder / kIndex, index);
}

constexpr const char* kGoodIndex =
    R"({"metadata":{"total_size":44,"x":[{"y":null}]},)"
    R"("weight_map":{"c":"m-2.safetensors","a":"m-1.safetensors","b":"m-1.safetensors"}})";

TEST(ModelDir, ReadsOneFile) {
  const TempFolder folder;
  write_bytes(folder / "config.json", R"({"model_type":"gpt2","n_layer":2})");
  write_safetensors(folder / "model.safetensors", {tensor("w", {2, 3}), tensor("b", {3})});
  const ModelDir dir(folder.path());
  EXPECT_EQ(dir.config()["n_layer"], 2);
  ASSERT_EQ(dir.tensors().size(), 2u);
  EXPECT_EQ(dir.tensors()[0]->name, "b");
  EXPECT_EQ(dir.find("w")->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(dir.find("x"), nullptr);
  std::vector<float> out(6);
  dir.read_floats("w", std::vector<int64_t>{2, 3}, out);
  EXPECT_EQ(out[5], 5.0f);
  std::vector<std::byte> bytes(12);
  dir.read("b", bytes);
  EXPECT_EQ(bytes[4 + 3], std::byte{0x3f});
}

TEST(ModelDir, ReadsShards) {
  const TempFolder folder;
  write_sharded(folder, kGoodIndex);
  const ModelDir dir(folder.path());
  EXPECT_EQ(dir.tensors().size(), 3u);
  std::vector<float> out(3);
  dir.read_floats("c", std::vector<int64_t>{3}, out);
  EXPECT_EQ(out[2], 2.0f);
}

TEST(ModelDir, FollowsLinksAsInAHuggingFaceCache) {
  const TempFolder folder;
  fs::create_directories(folder / "blobs");
  fs::create_directories(folder / "snapshot");
  write_bytes(folder / "blobs/1", R"({"model_type":"gpt2"})");
  write_safetensors(folder / "blobs/2", {tensor("w", {6})});
  fs::create_symlink("../blobs/1", folder / "snapshot/config.json");
  fs::create_symlink("../blobs/2", folder / "snapshot/model.safetensors");
  EXPECT_EQ(ModelDir(folder / "snapshot").tensors().size(), 1u);
  fs::remove(folder / "blobs/2");
  expect_error(ErrorKind::io, {"model.safetensors is a link to a file that does not exist"},
               [&] { ModelDir(folder / "snapshot"); });
}

TEST(ModelDir, MissingPartsAreIoErrorsThatListWhatIsThere) {
  const TempFolder folder;
  expect_error(ErrorKind::io, {"none", "no such model folder"}, [&] { ModelDir(folder / "none"); });
  expect_error(ErrorKind::io, {"config.json is missing", "an empty folder"}, [&] { ModelDir dir(folder.path()); });
  write_bytes(folder / "README.md", "");
  expect_error(ErrorKind::io, {"not a folder"}, [&] { ModelDir(folder / "README.md"); });
  expect_error(ErrorKind::io, {"config.json is missing; found README.md"}, [&] { ModelDir dir(folder.path()); });
  write_bytes(folder / "config.json", "{}");
  expect_error(ErrorKind::io, {"model.safetensors is missing; found README.md, config.json"},
               [&] { ModelDir dir(folder.path()); });
  write_bytes(folder / "pytorch_model.bin", "");
  const auto error = error_of([&] { ModelDir dir(folder.path()); });
  EXPECT_NE(error->remedy().find("pickles"), std::string::npos);
}

TEST(ModelDir, BadConfigsAreFormatErrors) {
  const TempFolder folder;
  write_safetensors(folder / "model.safetensors", {});
  for (const char* config : {"", "{", "[]", "3", R"({"a":1,"a":2})", R"({"a":NaN})"}) {
    write_bytes(folder / "config.json", config);
    expect_error(ErrorKind::format, {"config.json"}, [&] { ModelDir dir(folder.path()); });
  }
  fs::remove(folder / "config.json");
  ASSERT_EQ(::mkfifo((folder / "config.json").c_str(), 0600), 0);
  expect_error(ErrorKind::io, {"config.json", "FIFO"}, [&] { ModelDir dir(folder.path()); });
}

TEST(ModelDir, WrongShapesAndNamesAreNamed) {
  const TempFolder folder;
  write_bytes(folder / "config.json", "{}");
  write_safetensors(folder / "model.safetensors", {tensor("h.0.attn.c_attn.weight", {2, 3}), tensor("ln_f.bias", {3})});
  const ModelDir dir(folder.path());
  std::vector<float> out(6);
  expect_error(ErrorKind::format, {"\"h.0.attn.c_attn.weight\" has the shape [2, 3], the model needs [3, 2]"}, [&] {
    dir.read_floats("h.0.attn.c_attn.weight", std::vector<int64_t>{3, 2}, out);
  });
  expect_error(ErrorKind::format, {"needs []"},
               [&] { dir.read_floats("ln_f.bias", std::vector<int64_t>{}, std::span(out).first(1)); });
  expect_error(ErrorKind::format,
               {"no tensor \"h.0.attn.c_atn.weight\" among 2; did you mean \"h.0.attn.c_attn.weight\"?"}, [&] {
                 dir.read_floats("h.0.attn.c_atn.weight", std::vector<int64_t>{2, 3}, out);
               });
}

TEST(ModelDir, NonFiniteWeightsAreNumericErrors) {
  const TempFolder folder;
  write_bytes(folder / "config.json", "{}");
  const float values[2] = {1, std::numeric_limits<float>::infinity()};
  write_safetensors(folder / "model.safetensors", {{"w", Dtype::f32, {2}, values}});
  std::vector<float> out(2);
  expect_error(ErrorKind::numeric, {"\"w\"", "inf at element 1"},
               [&] { ModelDir(folder.path()).read_floats("w", std::vector<int64_t>{2}, out); });
}

TEST(ModelDir, AnIndexThatLeavesTheFolderIsRefused) {
  const TempFolder folder;
  for (const char* name : {"../secret", "/etc/passwd", "a/b", "..", ".", "", "a\\u0000b"}) {
    write_sharded(folder, fmt::format(R"({{"weight_map":{{"a":"{}"}}}})", name));
    expect_error(ErrorKind::format, {kIndex, "tensor \"a\"", "not a plain file name"},
                 [&] { ModelDir dir(folder.path()); });
  }
}

TEST(ModelDir, AnIndexThatDoesNotMatchTheShardsIsRefused) {
  const TempFolder folder;
  write_sharded(folder, R"({"weight_map":{"a":"m-1.safetensors","d":"m-2.safetensors"}})");
  expect_error(ErrorKind::format, {"tensor \"d\" is said to be in \"m-2.safetensors\", but it is in no shard"},
               [&] { ModelDir dir(folder.path()); });
  write_sharded(folder, R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})");
  expect_error(ErrorKind::format, {"tensor \"a\"", "but it is in \"m-1.safetensors\""},
               [&] { ModelDir dir(folder.path()); });
  write_sharded(folder, R"({"weight_map":{"a":"m-1.safetensors","z":"m-3.safetensors"}})");
  expect_error(ErrorKind::io, {"shard \"m-3.safetensors\" is missing", "m-2.safetensors"},
               [&] { ModelDir dir(folder.path()); });
  write_safetensors(folder / "m-2.safetensors", {tensor("a", {3}), tensor("c", {3})});
  write_bytes(folder / kIndex, kGoodIndex);
  expect_error(ErrorKind::format, {"tensor \"a\" is in \"m-1.safetensors\" and in \"m-2.safetensors\""},
               [&] { ModelDir dir(folder.path()); });
}

TEST(ModelDir, ABadShardIsNamed) {
  const TempFolder folder;
  write_sharded(folder, kGoodIndex);
  fs::resize_file(folder / "m-2.safetensors", fs::file_size(folder / "m-2.safetensors") - 2);
  expect_error(ErrorKind::format, {"m-2.safetensors: tensor \"c\" ends at 12 but the file holds 10 data bytes"},
               [&] { ModelDir dir(folder.path()); });
}

TEST(ParseIndex, KeepsTheMapInOrderAndSkipsTheRest) {
  const WeightMap map = parse_index(kGoodIndex, "i");
  ASSERT_EQ(map.size(), 3u);
  EXPECT_EQ(map[0], (std::pair<std::string, std::string>{"a", "m-1.safetensors"}));
  EXPECT_EQ(map[2].first, "c");
  EXPECT_TRUE(
      parse_index(R"({"weight_map":{}, "more": [[1, -1, 1e9, "s", true, null, {"weight_map": 3}]]})", "i").empty());
}

TEST(ParseIndex, WrongTypesAreNamed) {
  const auto refused = [](std::string_view text, std::string_view part) {
    expect_error(ErrorKind::format, {"i: ", part}, [&] { parse_index(text, "i"); });
  };
  refused("", "not valid JSON");
  refused("{}", "\"weight_map\" is missing");
  refused("[]", "must be one JSON object, found a list");
  refused("\"weight_map\"", "found a string");
  refused(R"({"weight_map":[]})", "\"weight_map\" must be an object, found a list");
  refused(R"({"weight_map":null})", "found null");
  refused(R"({"weight_map":"x"})", "found a string");
  refused(R"({"weight_map":{"a":{}}})", "file name for tensor \"a\", found an object");
  refused(R"({"weight_map":{"a":["x"]}})", "found a list");
  refused(R"({"weight_map":{"a":1}})", "found 1");
  refused(R"({"weight_map":{"a":"x","a":"x"}})", "tensor \"a\" twice");
  refused(R"({"weight_map":{},"weight_map":{}})", "appears twice");
  refused("{\"metadata\":" + std::string(1'000'000, '['), "nested deeper than 64");
  refused(std::string_view("{\"weight_map\":{}}\0x", 18), "not valid JSON at byte 17");
}

TEST(WriteModelDir, RoundTrip) {
  const TempFolder folder;
  ModelFiles files;
  files.config = Json{{"model_type", "gpt2"}, {"n_layer", 1}};
  files.tokenizer = Json{{"version", "1.0"}};
  files.tensors = {tensor("w", {2, 3})};
  write_model_dir(folder / "new/out", files);
  const ModelDir dir(folder / "new/out");
  EXPECT_EQ(dir.config(), files.config);
  std::vector<float> out(6);
  dir.read_floats("w", std::vector<int64_t>{2, 3}, out);
  EXPECT_EQ(out[4], 4.0f);
  EXPECT_TRUE(fs::exists(folder / "new/out/tokenizer.json"));
  EXPECT_FALSE(fs::exists(folder / "new/out/generation_config.json"));
  EXPECT_EQ(read_bytes(folder / "new/out/tokenizer.json"), "{\n  \"version\": \"1.0\"\n}\n");
}

TEST(WriteModelDir, FillsAnEmptyFolderAndRefusesAnother) {
  const TempFolder folder;
  ModelFiles files;
  files.config = Json::object();
  fs::create_directory(folder / "out");
  write_model_dir(folder / "out/", files);
  expect_error(ErrorKind::usage, {"out", "not an empty folder"}, [&] { write_model_dir(folder / "out", files); });
  write_bytes(folder / "file", "");
  expect_error(ErrorKind::usage, {"file"}, [&] { write_model_dir(folder / "file", files); });
  fs::create_symlink("nowhere", folder / "link");
  expect_error(ErrorKind::usage, {"link"}, [&] { write_model_dir(folder / "link", files); });
}

TEST(WriteModelDir, LeavesNothingBehindAfterAnError) {
  const TempFolder folder;
  ModelFiles files;
  files.config = Json::object();
  files.tensors = {tensor("w", {2}), tensor("w", {3})};
  expect_error(ErrorKind::internal, {"\"w\" is to be written twice"}, [&] { write_model_dir(folder / "out", files); });
  EXPECT_TRUE(fs::is_empty(folder.path()));
  files.tensors.clear();
  files.config = Json();
  expect_error(ErrorKind::internal, {"config"}, [&] { write_model_dir(folder / "out", files); });
}

}  // namespace
}  // namespace hone::checkpoint
