#include "cli/help.h"

#include "cli/console.h"
#include "cli/engine_verbs.h"
#include "cli/use/plans.h"
#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <sstream>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

void expect_fits(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), 80) << line;
}

TEST(Help, FitsEightyColumns) {
  std::vector<Command> verbs;
  for (const char* name : {"run", "demo", "bench", "inspect"}) verbs.push_back(engine_verb(name, &nothing));
  for (const char* name : {"gen", "chat", "eval"}) verbs.push_back(use_verb(name, &nothing));
  expect_fits(help_text(verbs));
  for (const Command& verb : verbs) expect_fits(help_text(verb));
}

TEST(Help, ShowsExamplesAndEveryOption) {
  const std::string text = help_text(engine_verb("run", &nothing));
  for (const char* part : {"hone run --resume\n", "--preset P", "--seeds K", "--json", "-q, --quiet", "-h, --help"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(Help, TopicsFitAndUnknownOnesAreRefused) {
  for (const char* topic : {"formats", "exit-codes", "environment", "determinism"}) expect_fits(topic_text(topic));
  EXPECT_THROW(topic_text("format"), Error);
}

}  // namespace
}  // namespace hone::cli
