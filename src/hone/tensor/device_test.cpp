#include "hone/tensor/device.h"

#include "hone/base/error.h"
#include "hone/tensor/compat.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace hone::tensor {
namespace {

TEST(Device, CpuIsAlwaysThere) {
  EXPECT_TRUE(device_named("cpu").is_cpu());
  EXPECT_EQ(activations_on(at::kCPU), at::kFloat);
  EXPECT_EQ(activations_on(at::kCUDA), at::kBFloat16);
}

TEST(Device, CudaIsRefusedWithTheReasonWhereThereIsNone) {
  if (has_cuda()) GTEST_SKIP() << "this machine has a GPU";
  try {
    device_named("cuda");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find(torch_version()), std::string::npos) << error.what();
  }
}

TEST(Device, OtherNamesAreRefused) {
  for (const char* name : {"", "gpu", "cuda:0x", "CPU"}) EXPECT_THROW(device_named(name), Error) << name;
}

TEST(Device, ABatchOnItsDeviceStaysAsItIs) {
  Batch batch;
  batch.ids_BT = at::zeros({2, 3}, at::kLong);
  batch.loss_mask_BT = at::ones({2, 3}, at::kBool);
  batch.kl_weight_BT = at::ones({2, 3});
  const Batch moved = to_device(batch, at::kCPU);
  EXPECT_TRUE(moved.ids_BT.is_same(batch.ids_BT));
  EXPECT_TRUE(moved.loss_mask_BT.is_same(batch.loss_mask_BT));
  EXPECT_TRUE(moved.kl_weight_BT.is_same(batch.kl_weight_BT));
  EXPECT_FALSE(moved.segments_BT.defined() || moved.advantage_BT.defined() || moved.reference_BT.defined());
}

}  // namespace
}  // namespace hone::tensor
