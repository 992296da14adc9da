#include "hone/objectives/options.h"

#include "hone/base/error.h"

#include <array>
#include <utility>

namespace hone::objectives {
namespace {

template <class Choice, std::size_t N>
Choice choice_of(std::string_view name, std::string_view what,
                 const std::array<std::pair<const char*, Choice>, N>& all) {
  std::string allowed;
  for (const auto& [text, choice] : all) {
    if (name == text) return choice;
    allowed += (allowed.empty() ? "" : ", ") + std::string(text);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown {} \"{}\"", what, name), "use one of: " + allowed);
}

}  // namespace

Scale scale_of(std::string_view name) {
  return choice_of<Scale, 3>(name, "scale of advantages",
                             {{{"group", Scale::group}, {"batch", Scale::batch}, {"none", Scale::none}}});
}

Normalisation normalisation_of(std::string_view name) {
  return choice_of<Normalisation, 3>(
      name, "normalisation",
      {{{"grpo", Normalisation::grpo}, {"dapo", Normalisation::dapo}, {"dr_grpo", Normalisation::dr_grpo}}});
}

KlGradient kl_gradient_of(std::string_view name) {
  return choice_of<KlGradient, 2>(name, "KL gradient",
                                  {{{"reverse_k2", KlGradient::reverse_k2}, {"forward_k3", KlGradient::forward_k3}}});
}

PairTarget pair_target_of(std::string_view name) {
  return choice_of<PairTarget, 2>(name, "target of pairs",
                                  {{{"hard", PairTarget::hard}, {"soft", PairTarget::soft}}});
}

}  // namespace hone::objectives
