#include "hone/base/options.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>

namespace hone::base {
namespace {

struct Clip {
  double low = 0.2;
  double high = 0.2;
  void visit(OptionVisitor& v) {
    v.field("low", low, {"lower clip of the ratio", 0, 1, {}, "§5.1"});
    v.field("high", high, {"upper clip of the ratio", 0, 1, {}, "§5.1"});
  }
};

struct Optim {
  double learning_rate = 3e-4;
  Clip clip;
  void visit(OptionVisitor& v) {
    v.field("learning_rate", learning_rate, {"step size", 0});
    v.group("clip", clip);
  }
};

struct TestOptions : Options {
  Optim optim;
  int64_t steps = 100;
  bool shuffle = true;
  std::string method = "grpo";
  std::string prompt = "say \"hi\"\n";
  double beta = 0.0;
  void visit(OptionVisitor& v) override {
    v.group("optim", optim);
    v.field("steps", steps, {"optimiser steps", 1, 1e9});
    v.field("shuffle", shuffle, {"shuffle the problems"});
    v.field("method", method, {.help = "kind of advantage", .choices = {"grpo", "rloo"}, .source = "official code"});
    v.field("prompt", prompt, {"text before every problem"});
    v.field("beta", beta, {"weight of the KL term"});
  }
};

struct Fixture {
  TestOptions options, defaults;
  OptionSet set{options, defaults, ""};
};

template <class Call>
std::string usage_error(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::string set_error(std::string_view assignment) {
  Fixture f;
  return usage_error([&] { f.set.set_assignment(assignment); });
}

std::string toml_error(std::string_view toml) {
  Fixture f;
  return usage_error([&] { f.set.load_toml(toml, "my.toml"); });
}

OptionEntry entry_of(const OptionSet& set, std::string_view path) {
  for (const OptionEntry& entry : set.entries()) {
    if (entry.path == path) return entry;
  }
  ADD_FAILURE() << "no entry " << path;
  return {};
}

testing::AssertionResult says(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << message << "\" lacks \"" << part << '"';
}

TEST(OptionSet, SetsEveryType) {
  Fixture f;
  f.set.set_assignment("optim.clip.high=0.28");
  f.set.set_assignment(" steps = 1_000 ");
  f.set.set_assignment("shuffle=false");
  f.set.set_assignment("method=rloo");
  f.set.set_assignment("prompt=a=b # c");
  EXPECT_EQ(f.options.optim.clip.high, 0.28);
  EXPECT_EQ(f.options.steps, 1000);
  EXPECT_FALSE(f.options.shuffle);
  EXPECT_EQ(f.options.method, "rloo");
  EXPECT_EQ(f.options.prompt, "a=b # c");
}

TEST(OptionSet, NumbersMayBeWrittenInManyWays) {
  Fixture f;
  const std::pair<const char*, double> table[] = {{"3", 3},      {"1e3", 1000},  {".5", 0.5},     {"5.", 5},
                                                  {"-1e-4", -1e-4}, {"+2.5", 2.5}, {"1_000.5", 1000.5}, {"0x10", 16}};
  for (const auto& [text, value] : table) {
    f.set.set("beta", text, Origin::set, "--set");
    EXPECT_EQ(f.options.beta, value) << text;
  }
}

TEST(OptionSet, StringsMayGoWithoutQuotes) {
  Fixture f;
  const std::pair<std::string, std::string> table[] = {
      {"", ""},           {"two words", "two words"}, {"\"a\\nb\"", "a\nb"}, {"'a\\nb'", "a\\nb"}, {"\"", "\""},
      {"'tis", "'tis"},   {"\"a\" or \"b\"", "\"a\" or \"b\""},              {"true", "true"},     {"3", "3"},
      {"[1]", "[1]"},     {"été", "été"},             {"\"a\" # \"", "\"a\" # \""}};
  for (const auto& [text, value] : table) {
    f.set.set("prompt", text, Origin::set, "--set");
    EXPECT_EQ(f.options.prompt, value) << text;
  }
}

TEST(OptionSet, UnknownNamesGetTheNearest) {
  EXPECT_EQ(set_error("optim.clip.hihg=1"),
            "--set: unknown option \"optim.clip.hihg\"; did you mean \"optim.clip.high\"?");
  EXPECT_EQ(set_error("learning_rate=1"),
            "--set: unknown option \"learning_rate\"; did you mean \"optim.learning_rate\"?");
  EXPECT_EQ(set_error("clip.hihg=1"), "--set: unknown option \"clip.hihg\"; did you mean \"optim.clip.high\"?");
  EXPECT_EQ(set_error("zzzzzzzz=1"),
            "--set: unknown option \"zzzzzzzz\"; known: optim.learning_rate, optim.clip.low, optim.clip.high, steps, "
            "shuffle, method, prompt, beta");
  EXPECT_EQ(set_error("optim.clip=1"), "--set: \"optim.clip\" is a group of options; known: low, high");
  EXPECT_EQ(set_error("steps"), "--set: expected name=value, found \"steps\"");
  EXPECT_TRUE(says(set_error("=3"), "unknown option \"\""));
}

TEST(OptionSet, WrongTypesAreRefused) {
  EXPECT_EQ(set_error("steps=1e3"), "--set: \"steps\" is 1000.0; expected an int");
  EXPECT_EQ(set_error("steps=abc"), "--set: \"steps\" is \"abc\"; expected an int");
  EXPECT_EQ(set_error("steps="), "--set: \"steps\" is \"\"; expected an int");
  EXPECT_EQ(set_error("steps=true"), "--set: \"steps\" is true; expected an int");
  EXPECT_EQ(set_error("shuffle=1"), "--set: \"shuffle\" is 1; expected true or false");
  EXPECT_EQ(set_error("beta=\"1\""), "--set: \"beta\" is \"1\"; expected a number");
  EXPECT_EQ(set_error("beta=[1]"), "--set: \"beta\" is \"[1]\"; expected a number");
  EXPECT_EQ(set_error("beta=1\nsteps=2"), "--set: \"beta\" is \"1\\nsteps=2\"; expected a number");
  EXPECT_EQ(set_error("beta=1 # one"), "--set: \"beta\" is \"1 # one\"; expected a number");
  EXPECT_EQ(set_error("steps=9223372036854775808"), "--set: \"steps\" is \"9223372036854775808\"; expected an int");
}

TEST(OptionSet, NonFiniteNumbersAreRefused) {
  EXPECT_EQ(set_error("beta=nan"), "--set: \"beta\" is nan; expected a finite number");
  EXPECT_EQ(set_error("beta=-inf"), "--set: \"beta\" is -inf; expected a finite number");
  set_error("beta=1e400");
  EXPECT_TRUE(says(toml_error("beta = inf"), "my.toml:1:8: \"beta\" is inf; expected a finite number"));
}

TEST(OptionSet, RangesAndChoicesAreChecked) {
  EXPECT_EQ(set_error("optim.clip.high=1.5"), "--set: \"optim.clip.high\" is 1.5; allowed: 0 to 1");
  EXPECT_EQ(set_error("optim.learning_rate=-1"), "--set: \"optim.learning_rate\" is -1.0; allowed: at least 0");
  EXPECT_EQ(set_error("steps=0"), "--set: \"steps\" is 0; allowed: 1 to 1000000000");
  EXPECT_EQ(set_error("method=gpro"), "--set: \"method\" is \"gpro\"; did you mean \"grpo\"?");
  EXPECT_EQ(set_error("method=ppo-clip"), "--set: \"method\" is \"ppo-clip\"; known: grpo, rloo");
  EXPECT_EQ(set_error("prompt=\xff"), "--set: \"prompt\" is not valid UTF-8");
}

TEST(OptionSet, OriginsAndPrecedence) {
  TestOptions options, defaults;
  options.steps = 7;
  OptionSet set(options, defaults, "tiny");
  EXPECT_EQ(entry_of(set, "steps").origin, Origin::preset);
  EXPECT_EQ(entry_of(set, "steps").place, "tiny");
  EXPECT_EQ(entry_of(set, "beta").origin, Origin::standard);
  set.set_assignment("steps=9");
  set.load_toml("beta = 1\nsteps = 8\n", "my.toml");
  EXPECT_EQ(options.steps, 9);  // --set stands above the file, whatever comes first
  EXPECT_EQ(entry_of(set, "steps").place, "--set");
  EXPECT_EQ(entry_of(set, "beta").origin, Origin::file);
  EXPECT_EQ(entry_of(set, "beta").place, "my.toml:1");
  set.set("beta", "2", Origin::environment, "HONE_BETA");
  EXPECT_EQ(options.beta, 2);
  EXPECT_THROW(set.set("beta", "x", Origin::file, "f"), Error);  // checked even where it would not count
}

TEST(OptionSet, EntriesDescribeEveryOption) {
  Fixture f;
  f.set.set_assignment("optim.learning_rate=1");
  const OptionEntry entry = entry_of(f.set, "optim.learning_rate");
  EXPECT_EQ(entry.type, "number");
  EXPECT_EQ(entry.value, "1.0");
  EXPECT_EQ(entry.standard, "0.0003");
  EXPECT_EQ(entry.info.help, "step size");
  EXPECT_EQ(entry_of(f.set, "prompt").value, R"("say \"hi\"\n")");
  EXPECT_EQ(entry_of(f.set, "steps").type, "int");
  EXPECT_EQ(entry_of(f.set, "shuffle").type, "bool");
  EXPECT_EQ(entry_of(f.set, "method").type, "text");
  EXPECT_EQ(f.set.entries().size(), 8u);
}

TEST(OptionSet, LoadsToml) {
  Fixture f;
  f.set.load_toml(
      "# mine\nsteps = 5\nbeta = 3 # an int for a number\nmethod = 'rloo'\n\n"
      "[optim]\nlearning_rate = 1e-4\n\n[optim.clip]\nhigh = 0.3\n", "my.toml");
  f.set.load_toml("[optim]\nclip.low = 0.1\n", "more.toml");
  EXPECT_EQ(f.options.steps, 5);
  EXPECT_EQ(f.options.beta, 3.0);
  EXPECT_EQ(f.options.method, "rloo");
  EXPECT_EQ(f.options.optim.learning_rate, 1e-4);
  EXPECT_EQ(f.options.optim.clip.high, 0.3);
  EXPECT_EQ(f.options.optim.clip.low, 0.1);
  EXPECT_EQ(entry_of(f.set, "optim.clip.high").place, "my.toml:10");
}

TEST(OptionSet, TomlErrorsShowTheLineAndACaret) {
  EXPECT_EQ(toml_error("steps = 5\n\n[optim]\nleraning_rate = 3e-4\n"),
            "my.toml:4:1: unknown key \"leraning_rate\" in [optim]; did you mean \"learning_rate\"?\n"
            "    4 | leraning_rate = 3e-4\n"
            "      | ^^^^^^^^^^^^^");
  EXPECT_EQ(toml_error("[optim]\n  clip = { low = 0.1, high = 2.5 }\r\n"),
            "my.toml:2:30: \"optim.clip.high\" is 2.5; allowed: 0 to 1\n"
            "    2 |   clip = { low = 0.1, high = 2.5 }\n"
            "      |                              ^^^");
}

TEST(OptionSet, TomlErrorsOfEveryKind) {
  EXPECT_TRUE(says(toml_error("learning_rate = 1"),
                   "my.toml:1:1: unknown key \"learning_rate\"; did you mean \"optim.learning_rate\"?"));
  EXPECT_TRUE(says(toml_error("[otpim]\nlearning_rate = 1"),
                   "my.toml:1:2: unknown table [otpim]; did you mean \"optim\"?"));
  EXPECT_TRUE(says(toml_error("zzzzzz = 1"),
                   "unknown key \"zzzzzz\"; known: optim, steps, shuffle, method, prompt, beta"));
  EXPECT_TRUE(says(toml_error("optim = 1"),
                   "my.toml:1:9: \"optim\" is a table of options, not one value; known: learning_rate, clip"));
  EXPECT_TRUE(says(toml_error("[steps]\na = 1"), "\"steps\" is a table; expected an int"));
  EXPECT_TRUE(says(toml_error("steps = [1]"), "my.toml:1:9: \"steps\" is an array; expected an int"));
  EXPECT_TRUE(says(toml_error("steps = 2020-01-01"), "\"steps\" is a date or time; expected an int"));
  EXPECT_TRUE(says(toml_error("[[optim]]\nlearning_rate = 1"), "\"optim\" is a table of options"));
  EXPECT_TRUE(says(toml_error("steps = 3.0"), "\"steps\" is 3.0; expected an int"));
  EXPECT_TRUE(says(toml_error("method = rloo"), "my.toml:1:10: "));
  EXPECT_TRUE(says(toml_error("method = 3"), "\"method\" is 3; expected a text"));
  EXPECT_TRUE(says(toml_error("a\nb"), "my.toml:1:"));
  EXPECT_TRUE(says(toml_error("steps = 1\nsteps = 2"), "my.toml:2:"));
  EXPECT_TRUE(says(toml_error("prompt = \"\xff\""), "my.toml:1:"));
  EXPECT_TRUE(says(toml_error("\"optim.learning_rate\" = 1"), "unknown key \"optim.learning_rate\""));
  EXPECT_TRUE(says(toml_error(std::string(2 << 20, '#')), "2097152 bytes are more"));
}

TEST(OptionSet, AFileWithAnErrorSetsNothing) {
  Fixture f;
  EXPECT_THROW(f.set.load_toml("steps = 5\nbeta = 'x'\n", "my.toml"), Error);
  EXPECT_EQ(f.options.steps, 100);
  EXPECT_EQ(entry_of(f.set, "steps").origin, Origin::standard);
}

TEST(OptionSet, TomlComesBackTheSame) {
  Fixture f;
  f.options.prompt = "tab\t quote\" back\\slash \x01\x7f é 日本\r\n'''\"\"\"";
  f.options.beta = -0.0;
  f.options.optim.learning_rate = 1e-05;
  f.options.optim.clip.low = 1.0 / 3.0;
  f.options.steps = 123456789;
  const std::string toml = f.set.to_toml();
  Fixture other;
  other.set.load_toml(toml, "config.toml");
  EXPECT_EQ(other.set.to_json(), f.set.to_json());
  EXPECT_TRUE(std::signbit(other.options.beta));
  for (const double value : {1e300, 5e-324, 123456789012345680.0, 1e16, 1e15, 0.1, -2.5}) {
    f.options.beta = value;
    other.set.load_toml(f.set.to_toml(), "config.toml");
    EXPECT_EQ(other.options.beta, value);
  }
}

TEST(OptionSet, TomlTextIsCommented) {
  Fixture f;
  f.set.set_assignment("optim.clip.high=0.28");
  const std::string toml = f.set.to_toml();
  EXPECT_TRUE(toml.starts_with("# optimiser steps (1 to 1000000000); source: ours; default\nsteps = 100\n"));
  EXPECT_TRUE(says(toml, "\n[optim.clip]\n# lower clip of the ratio (0 to 1); source: §5.1; default\nlow = 0.2\n"));
  EXPECT_TRUE(says(toml, "# upper clip of the ratio (0 to 1); source: §5.1; from --set, default 0.2\nhigh = 0.28\n"));
  EXPECT_TRUE(says(toml, "# kind of advantage (grpo | rloo); source: official code; default\n"));
}

TEST(OptionSet, AFileNameCannotEscapeItsComment) {
  Fixture f;
  f.set.load_toml("steps = 5\n", "a\nbeta = 9 #.toml");
  Fixture other;
  other.set.load_toml(f.set.to_toml(), "x");
  EXPECT_EQ(other.options.beta, 0.0);
}

TEST(OptionSet, TextDoesNotDependOnTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  if (!std::setlocale(LC_ALL, "de_DE.UTF-8")) GTEST_SKIP() << "this machine has no German locale";
  Fixture f;
  f.set.set_assignment("beta=2.5");
  EXPECT_EQ(f.options.beta, 2.5);
  EXPECT_EQ(entry_of(f.set, "beta").value, "2.5");
  std::setlocale(LC_ALL, before.c_str());
}

struct BadOptions : Options {
  double low = 2;
  bool twice = false;
  void visit(OptionVisitor& v) override {
    v.field("low", low, {"too big", 0, 1});
    if (twice) v.field("low", low, {"again"});
  }
};

TEST(OptionSet, BrokenDescriptionsAreInternalErrors) {
  BadOptions options, defaults;
  EXPECT_THROW(OptionSet(options, defaults, ""), Error);
  options.low = defaults.low = 0.5;
  EXPECT_NO_THROW(OptionSet(options, defaults, ""));
  options.twice = defaults.twice = true;
  EXPECT_THROW(OptionSet(options, defaults, ""), Error);
}

TEST(OptionsJson, ComesBackTheSame) {
  Fixture f;
  f.set.load_toml("steps = 5\nbeta = 2\nmethod = 'rloo'\nshuffle = false\noptim.clip.low = 0.05\n", "my.toml");
  EXPECT_EQ(dump(f.set.to_json()["optim"]), R"({"learning_rate":0.0003,"clip":{"low":0.05,"high":0.2}})");
  Fixture other;
  options_from_json(other.options, parse_json(dump(f.set.to_json()), "run.json"), "run.json");
  EXPECT_EQ(other.set.to_json(), f.set.to_json());
}

TEST(OptionsJson, ErrorsAreFormatErrorsAndChangeNothing) {
  const std::pair<const char*, const char*> table[] = {
      {R"([])", "run.json: expected an object of options, found array"},
      {R"({"steps":5,"stepz":1})", "run.json: unknown option \"stepz\"; did you mean \"steps\"?"},
      {R"({"steps":5,"optim":{"clip":{"hihg":1}}})",
       "run.json: unknown option \"optim.clip.hihg\"; did you mean \"high\"?"},
      {R"({"steps":5,"optim":3})", "run.json: \"optim\" is number; expected an object of options"},
      {R"({"steps":1.5})", "run.json: \"steps\" is 1.5; expected an int"},
      {R"({"steps":18446744073709551615})", "run.json: \"steps\" is 1.8446744073709552e+19; expected an int"},
      {R"({"steps":0})", "run.json: \"steps\" is 0; allowed: 1 to 1000000000"},
      {R"({"steps":5,"beta":null})", "run.json: \"beta\" is null; expected a number"},
      {R"({"steps":5,"beta":{}})", "run.json: \"beta\" is object; expected a number"}};
  for (const auto& [json, message] : table) {
    TestOptions options;
    try {
      options_from_json(options, parse_json(json, "run.json"), "run.json");
      ADD_FAILURE() << json;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      EXPECT_STREQ(error.what(), message);
    }
    EXPECT_EQ(options.steps, 100);
  }
}

}  // namespace
}  // namespace hone::base
