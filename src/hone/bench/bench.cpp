#include "hone/bench/bench.h"

namespace hone::bench {

Json bench(const std::string& what, const Plan& plan, base::Pool& pool) {
  if (what == "train") return train_rows(plan, pool);
  if (what == "generate") return generate_rows(plan, pool);
  if (what == "grpo") return grpo_rows(plan, pool);
  if (what == "kernels") return kernel_rows(plan, pool);
  if (what == "tokenize") return tokenize_rows(plan);
  if (what == "start") return start_rows(plan);
  throw Error(ErrorKind::usage,
              fmt::format("nothing to bench called \"{}\"{}", what, base::suggestion(what, bench_names())));
}

}  // namespace hone::bench
