#include "hone/checkpoint/train_state.h"

#include "hone/base/files.h"
#include "hone/checkpoint/test_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>

namespace hone::checkpoint {
namespace {

namespace fs = std::filesystem;

// Saves a checkpoint whose numbers all are `sequence`.
Saved save(const fs::path& root, int64_t sequence, std::string_view label = "t", std::size_t count = 50) {
  const std::vector<float> values(count, static_cast<float>(sequence));
  const std::vector<TensorData> tensors = {{"w", Dtype::f32, {static_cast<int64_t>(count)}, values.data()}};
  return save_state(root, sequence, label, Json{{"step", sequence}}, {{"model", tensors}, {"optim", tensors}});
}

std::vector<int64_t> sequences(const std::vector<Saved>& states) {
  std::vector<int64_t> all;
  for (const Saved& saved : states) all.push_back(saved.sequence);
  return all;
}

std::vector<int64_t> list(const fs::path& root, Verify verify = Verify::hashes) {
  return sequences(list_states(root, verify));
}

void flip_byte(const fs::path& path, std::size_t at) {
  std::string bytes = read_bytes(path);
  bytes.at(at) = static_cast<char>(bytes[at] ^ 0x04);
  write_bytes(path, bytes);
}

TEST(TrainState, RoundTrip) {
  const TempFolder folder;
  const fs::path root = folder / "ckpt";
  EXPECT_TRUE(list_states(root).empty());
  const Saved saved = save(root, 7, "warm-up_1");
  EXPECT_EQ(saved.dir, root / "00000007-warm-up_1");
  const std::vector<Saved> states = list_states(root);
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].dir, saved.dir);
  EXPECT_EQ(states[0].sequence, 7);
  EXPECT_EQ(states[0].label, "warm-up_1");
  EXPECT_EQ(load_state(states[0]), (Json{{"step", 7}}));
  const SafetensorsFile file = open_state_tensors(states[0], "optim");
  std::vector<float> out(50);
  file.read_floats(*file.find("w"), out);
  EXPECT_EQ(out[49], 7.0f);
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(saved.dir), {}), 4);
}

TEST(TrainState, OldestFirstAndRemovable) {
  const TempFolder folder;
  for (const int64_t sequence : {0, 5, 999, 123456789}) save(folder.path(), sequence);
  std::vector<Saved> states = list_states(folder.path());
  EXPECT_EQ(sequences(states), (std::vector<int64_t>{0, 5, 999, 123456789}));
  remove_state(states[1]);
  remove_state(states[1]);  // gone already
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{0, 999, 123456789}));
}

TEST(TrainState, ArgumentsAreChecked) {
  const TempFolder folder;
  save(folder.path(), 5);
  expect_error(ErrorKind::internal, {"sequence 5 can't follow 5"}, [&] { save(folder.path(), 5, "other"); });
  expect_error(ErrorKind::internal, {"can't follow"}, [&] { save(folder.path(), 4); });
  expect_error(ErrorKind::internal, {"-1"}, [&] { save(folder.path(), -1); });
  for (const char* label : {"", "a/b", "..", "a.bad", "x.tmp-1", "a b", "é"}) {
    expect_error(ErrorKind::internal, {"label"}, [&] { save(folder.path(), 6, label); });
  }
  expect_error(ErrorKind::internal, {"object"}, [&] { save_state(folder.path(), 6, "t", Json(3), {}); });
  expect_error(ErrorKind::internal, {"../x"}, [&] {
    save_state(folder.path(), 6, "t", Json::object(), {{"../x", {}}});
  });
  expect_error(ErrorKind::internal, {"one name"}, [&] {
    save_state(folder.path(), 6, "t", Json::object(), {{"x", {}}, {"x", {}}});
  });
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{5}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(TrainState, AStateThatCouldNotBeReadBackIsNotWritten) {
  const TempFolder folder;
  Json deep = 1;
  for (int i = 0; i < 100; ++i) deep = Json::array({deep});
  expect_error(ErrorKind::format, {"nested"}, [&] { save_state(folder.path(), 1, "t", Json{{"deep", deep}}, {}); });
  EXPECT_TRUE(list(folder.path()).empty());
}

TEST(TrainState, EveryFlippedByteIsFound) {
  const TempFolder folder;
  save(folder.path(), 1, "t", 3);
  const Saved second = save(folder.path(), 2, "t", 3);
  for (const char* name : {"state.json", "model.safetensors", "optim.safetensors"}) {
    const std::size_t size = fs::file_size(second.dir / name);
    for (std::size_t at = 0; at < size; ++at) {
      flip_byte(second.dir / name, at);
      EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1})) << name << " " << at;
      fs::rename(second.dir.string() + ".bad", second.dir);
      flip_byte(second.dir / name, at);
    }
  }
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1, 2}));
}

TEST(TrainState, AFlippedManifestIsFoundOrHarmless) {
  const TempFolder folder;
  save(folder.path(), 1, "t", 3);
  const Saved second = save(folder.path(), 2, "t", 3);
  const std::size_t size = fs::file_size(second.dir / "MANIFEST.json");
  for (std::size_t at = 0; at < size; ++at) {
    flip_byte(second.dir / "MANIFEST.json", at);
    const std::vector<Saved> states = list_states(folder.path());
    ASSERT_GE(states.size(), 1u);
    EXPECT_EQ(states.size(), fs::exists(second.dir) ? 2u : 1u);
    for (const Saved& saved : states) EXPECT_EQ(load_state(saved)["step"], saved.sequence);
    if (!fs::exists(second.dir)) fs::rename(second.dir.string() + ".bad", second.dir);
    flip_byte(second.dir / "MANIFEST.json", at);
  }
}

TEST(TrainState, ATornManifestIsQuarantinedWithItsReason) {
  const TempFolder folder;
  save(folder.path(), 1);
  for (const int64_t sequence : {2, 3, 4}) {
    const Saved saved = save(folder.path(), sequence);
    const fs::path manifest = saved.dir / "MANIFEST.json";
    if (sequence == 2) fs::resize_file(manifest, fs::file_size(manifest) / 2);
    if (sequence == 3) fs::remove(manifest);
    if (sequence == 4) fs::resize_file(manifest, 0);
    EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1}));
    EXPECT_FALSE(fs::exists(saved.dir));
    const std::string reason = read_bytes(saved.dir.string() + ".bad/REASON.txt");
    EXPECT_NE(reason.find("MANIFEST.json"), std::string::npos) << reason;
  }
  EXPECT_EQ(save(folder.path(), 2).sequence, 2);  // a quarantined number is free again
  fs::remove(folder / "00000002-t/state.json");
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1}));
  EXPECT_TRUE(fs::exists(folder / "00000002-t.bad2/REASON.txt"));
}

TEST(TrainState, MissingLinkedAndResizedFilesAreBadEvenBySizes) {
  const TempFolder folder;
  save(folder.path(), 1);
  const auto expect_bad = [&](int64_t sequence, const std::function<void(const fs::path&)>& spoil) {
    const Saved saved = save(folder.path(), sequence);
    spoil(saved.dir / "model.safetensors");
    EXPECT_EQ(list(folder.path(), Verify::sizes), (std::vector<int64_t>{1})) << sequence;
    EXPECT_TRUE(fs::exists(saved.dir.string() + ".bad"));
  };
  expect_bad(2, [](const fs::path& file) { fs::remove(file); });
  expect_bad(3, [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) + 1); });
  expect_bad(4, [](const fs::path& file) { fs::remove(file), fs::create_directory(file); });
  expect_bad(5, [](const fs::path& file) { fs::remove(file), ::mkfifo(file.c_str(), 0600); });
  expect_bad(6, [&](const fs::path& file) {
    fs::remove(file);
    fs::create_symlink(folder / "00000001-t/model.safetensors", file);
  });
  const Saved flipped = save(folder.path(), 7);
  flip_byte(flipped.dir / "model.safetensors", 100);
  EXPECT_EQ(list(folder.path(), Verify::sizes), (std::vector<int64_t>{1, 7}));  // what sizes can't see
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1}));
}

TEST(TrainState, OtherNamesAreLeftAlone) {
  const TempFolder folder;
  save(folder.path(), 1);
  for (const char* name : {"7-t", "00000007", "00000007-", "00000007-a.b", "x", "00000008-t.bad", "00000009-t.tmp-1",
                           "-0000007-t", "99999999999999999999-t", "notes.tmp-5"}) {
    fs::create_directory(folder / name);
  }
  write_bytes(folder / "00000010-t", "a file");
  fs::create_directory_symlink(folder / "00000001-t", folder / "00000011-t");
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 13);
}

TEST(TrainState, TheNextSaveRemovesWhatKilledWritersLeft) {
  const TempFolder folder;
  fs::create_directories(folder / "00000001-t.tmp-4194000/x");
  fs::create_directory(folder / fmt::format("00000002-t.tmp-{}", ::getpid()));
  fs::create_directory(folder / "notes.tmp-5");
  save(folder.path(), 2);
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{2}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
}

TEST(TrainState, TooLittleSpaceIsSaidBeforeAnythingIsWritten) {
  const TempFolder folder;
  save(folder.path(), 1);
  // Claims more than any disk has; the data is never touched.
  const float value = 0;
  const std::vector<TensorData> huge = {{"w", Dtype::f32, {int64_t{1} << 58}, &value}};
  const auto error = error_of([&] { save_state(folder.path(), 2, "t", Json::object(), {{"model", huge}}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::io);
  EXPECT_NE(error->remedy().find("free some space"), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  EXPECT_EQ(list(folder.path()), (std::vector<int64_t>{1}));
}

TEST(TrainState, ARootThatIsAFileIsAnIoError) {
  const TempFolder folder;
  write_bytes(folder / "f", "");
  expect_error(ErrorKind::io, {"/f"}, [&] { save(folder / "f", 1); });
  expect_error(ErrorKind::io, {"/f"}, [&] { list(folder / "f"); });
}

TEST(ParseManifest, RefusesWhatIsNotOne) {
  const std::string hash(64, 'a');
  const std::string state = R"({"name":"state.json","bytes":2,"sha256":")" + hash + "\"}";
  const auto manifest = [](const std::string& files) { return "{\"schema\":1,\"files\":[" + files + "]}"; };
  const auto refused = [](const std::string& text, std::string_view part) {
    expect_error(ErrorKind::format, {"M", part}, [&] { parse_manifest(text, "M"); });
  };
  EXPECT_EQ(parse_manifest(manifest(state), "M").at(0).bytes, 2u);
  refused("", "JSON");
  refused("[]", "expected an object");
  refused("{}", "schema");
  refused(R"({"schema":2,"files":[]})", "schema 2 is not known");
  refused(R"({"schema":1})", "must be a list");
  refused(manifest(""), "state.json is not listed");
  refused(manifest("3"), "expected an object");
  refused(manifest(state + "," + state), "\"state.json\" is listed twice");
  for (const char* name : {"../x", "/x", "a/b", "", "..", "MANIFEST.json"}) {
    refused(manifest(state + R"(,{"name":")" + name + R"(","bytes":0,"sha256":")" + hash + "\"}"), "plain file name");
  }
  refused(manifest(R"({"name":"state.json","bytes":-1,"sha256":")" + hash + "\"}"), "bytes");
  refused(manifest(R"({"name":"state.json","bytes":1,"sha256":"A"})"), "64 hex digits");
  refused(manifest(R"({"name":"state.json","bytes":1,"sha256":")" + std::string(64, 'A') + "\"}"), "64 hex digits");
}

}  // namespace
}  // namespace hone::checkpoint
