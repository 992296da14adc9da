// The main function of tests that run under both forms of the kernels: HONE_KERNELS chooses, as it does for hone.
#include "hone/kernels/common.h"

#include <gtest/gtest.h>

#include <cstdlib>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* form = std::getenv("HONE_KERNELS");
  hone::kernels::set_mode(hone::kernels::named_mode(form == nullptr ? "" : form));
  return RUN_ALL_TESTS();
}
