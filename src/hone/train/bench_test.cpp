#include "hone/train/bench.h"

#include "hone/base/error.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

namespace hone::train {
namespace {

TEST(Bench, NamesWhatItKnows) {
  base::Pool pool(1);
  expect_error(ErrorKind::usage, {"\"sleep\"", "train, generate"}, [&] { bench("sleep", pool); });
  expect_error(ErrorKind::usage, {"\"\""}, [&] { bench("", pool); });
}

}  // namespace
}  // namespace hone::train
