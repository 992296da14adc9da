#include "hone/objectives/advantages.h"

#include "hone/base/error.h"
#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

#include <map>

namespace hone::objectives {
namespace {

// The rewards in double, without gradient.
at::Tensor checked(const at::Tensor& reward, int64_t dims, const char* where) {
  require(reward.defined() && reward.dim() == dims && reward.is_floating_point(), ErrorKind::internal,
          "{}: rewards must be a floating tensor with {} dimensions", where, dims);
  const at::Tensor r = reward.detach().to(at::kDouble);
  require(at::isfinite(r).all().item<bool>(), ErrorKind::numeric, "{}: a reward is not finite", where);
  return r;
}

// r − mean over each row; exactly 0 in rows without differences, where rounding of the mean could leave dust that a
// small deviation blows up.
at::Tensor centred(const at::Tensor& r_GK) {
  const at::Tensor equal_G1 = r_GK.eq(r_GK.slice(1, 0, 1)).all(1, /*keepdim=*/true);
  return (r_GK - r_GK.mean(1, /*keepdim=*/true)).masked_fill(equal_G1, 0);
}

}  // namespace

at::Tensor group_advantage(const at::Tensor& reward_GK, Scale scale, double eps) {
  const at::Tensor r_GK = checked(reward_GK, 2, "group_advantage");
  require(eps >= 0, ErrorKind::usage, "group_advantage: eps is {}; it must be 0 or above", eps);
  if (r_GK.numel() == 0) return at::zeros_like(reward_GK);
  at::Tensor advantage_GK = centred(r_GK);
  if (scale != Scale::none) {
    const at::Tensor deviation = scale == Scale::group ? r_GK.std(1, /*unbiased=*/true, /*keepdim=*/true)
                                                       : r_GK.std(/*unbiased=*/true).view({1, 1});
    // 0/0 for groups without differences and NaN for the deviation of one number: both have the advantage 0.
    advantage_GK = at::where(advantage_GK.eq(0), advantage_GK, advantage_GK / (deviation + eps));
  }
  return advantage_GK.to(reward_GK.scalar_type());
}

at::Tensor leave_one_out_advantage(const at::Tensor& reward_GK) {
  const at::Tensor r_GK = checked(reward_GK, 2, "leave_one_out_advantage");
  const double samples = static_cast<double>(r_GK.size(1));
  if (samples < 2) {
    throw Error(ErrorKind::usage, fmt::format("leave-one-out advantage of {} sample(s) per prompt", samples),
                "sample at least 2, or use another baseline");
  }
  return (centred(r_GK) * (samples / (samples - 1))).to(reward_GK.scalar_type());
}

at::Tensor conditional_advantage(const at::Tensor& reward_N, const at::Tensor& condition_N) {
  const at::Tensor r_N = checked(reward_N, 1, "conditional_advantage").to(at::kCPU).contiguous();
  tensor::require_same_shape(reward_N, condition_N, "conditional_advantage", "reward_N and condition_N");
  require(condition_N.scalar_type() == at::kLong, ErrorKind::internal,
          "conditional_advantage: conditions must be int64");
  const at::Tensor c_N = condition_N.to(at::kCPU).contiguous();
  const double* reward = r_N.data_ptr<double>();
  const int64_t* condition = c_N.data_ptr<int64_t>();

  // Sums of differences from the first reward of the condition: equal rewards then give exactly 0.
  struct Group {
    double first, sum = 0;
    int64_t count = 0;
  };
  std::map<int64_t, Group> groups;
  for (int64_t i = 0; i < r_N.numel(); ++i) {
    Group& group = groups.try_emplace(condition[i], Group{reward[i]}).first->second;
    group.sum += reward[i] - group.first;
    ++group.count;
  }
  at::Tensor advantage_N = at::empty_like(r_N);
  double* advantage = advantage_N.data_ptr<double>();
  for (int64_t i = 0; i < r_N.numel(); ++i) {
    const Group& group = groups.at(condition[i]);
    advantage[i] = reward[i] - group.first - group.sum / static_cast<double>(group.count);
  }
  return advantage_N.to(reward_N.options());
}

}  // namespace hone::objectives
