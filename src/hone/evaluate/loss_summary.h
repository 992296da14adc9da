// Held-out loss per example, before and after supervised training.
#pragma once

#include "hone/base/json.h"
#include "hone/base/pool.h"
#include "hone/data/example.h"
#include "hone/models/model.h"
#include "hone/train/env.h"

#include <string>
#include <utility>
#include <vector>

namespace hone::evaluate {

/// −log p per loss token of each example, in nats; examples without loss tokens are left out.
/// Errors: data if none is left (answers that lie beyond where rows are cut, say).
std::vector<double> example_losses(const models::Model& model, const std::vector<data::Example>& examples,
                                   base::Pool& pool);

Json to_json(const std::vector<double>& losses);
std::vector<double> losses_from_json(const Json& json);

class LossSummary {
 public:
  void add(const std::string& arm, std::vector<double> losses) { arms_.emplace_back(arm, std::move(losses)); }
  void write(const train::Env& env, const std::string& improved) const;

 private:
  std::vector<std::pair<std::string, std::vector<double>>> arms_;
};

}  // namespace hone::evaluate
